#include "config.h"

#include "probe.h"

#include <limits.h>
#include <string.h>

#include "probes/probes.h"

/* Whether NAME is one of the words in ALIASES. */
static bool
is_alias(const char *aliases, const char *name)
{
	size_t length = strlen(name);

	for (const char *a = aliases; a != NULL; a = strchr(a, ' ')) {
		a += *a == ' ';
		if (length > 0 && strcspn(a, " ") == length && memcmp(a, name, length) == 0)
			return true;
	}
	return false;
}

const struct probe *
probe_find(const char *name)
{
	for (const struct probe *p = probes; p->name != NULL; p++)
		if (strcmp(name, p->name) == 0 || is_alias(p->aliases, name))
			return p;
	return NULL;
}

enum verdict
probe_read(const struct probe *probe, struct span in, struct reading *r)
{
	enum verdict verdict = PROBE_YES;

	r->want = 0;
	r->complete = false;
	r->count = 0;
	if (in.length == 0)
		return PROBE_MORE;
	if (probe->prefix != NULL)
		verdict = probe_literal(in, probe->prefix, strlen(probe->prefix));
	else if (probe->bytes != NULL)
		verdict = probe_signature(in, probe->bytes);
	if (verdict == PROBE_YES && probe->parse != NULL)
		verdict = probe->parse(in, r);
	if (verdict != PROBE_YES)
		r->count = 0;
	r->complete = verdict == PROBE_YES && (r->complete || probe->attributes[0].name == NULL);
	if (verdict == PROBE_NO || r->complete || r->want <= in.length)
		r->want = 0;
	return verdict;
}

enum verdict
probe_identify(struct span in, bool final, const struct probe **ret_probe, struct reading *r)
{
	uint8_t *scratch = r->scratch;
	size_t scratch_left = r->scratch_left;

	for (const struct probe *p = probes; p->name != NULL; p++) {
		enum verdict verdict;

		if (p->named_only)
			continue;
		r->scratch = scratch;
		r->scratch_left = scratch_left;
		verdict = probe_read(p, in, r);
		if (verdict == PROBE_YES)
			*ret_probe = p;
		if (verdict == PROBE_YES || (verdict == PROBE_MORE && !final))
			return verdict;
	}
	return PROBE_NO;
}

void
reading_add(struct reading *r, const char *name, struct span value)
{
	if (r->count == READING_ATTRIBUTES)
		return;
	r->attribute[r->count++] = (struct attribute){ name, value };
}

uint8_t *
reading_keep(struct reading *r, struct span value)
{
	uint8_t *kept = r->scratch;

	if (value.length > r->scratch_left)
		return NULL;
	if (value.length > 0)
		memcpy(kept, value.bytes, value.length);
	r->scratch += value.length;
	r->scratch_left -= value.length;
	return kept;
}

enum verdict
probe_literal(struct span in, const void *literal, size_t length)
{
	if (!span_agrees(in, literal, length))
		return PROBE_NO;
	return in.length < length ? PROBE_MORE : PROBE_YES;
}

/* One byte of a signature: two hexadecimal digits, `?' giving the least or the greatest digit. */
static int
signature_byte(const char *digits, int any)
{
	int value = 0;

	for (int i = 0; i < 2; i++) {
		int d = (unsigned char)digits[i];

		value = value << 4 | (d == '?' ? any : d <= '9' ? d - '0' : d - 'a' + 10);
	}
	return value;
}

/* Move *AT from a byte of a signature, or a range of them, to what follows it.  *ret_low, *ret_high: the least and the greatest. */
static void
signature_next(const char **at, int *ret_low, int *ret_high)
{
	*ret_low = signature_byte(*at, 0);
	*ret_high = signature_byte(*at, 15);
	*at += 2;
	if (**at == '-') {
		*ret_high = signature_byte(*at + 1, 15);
		*at += 3;
	}
	*at += **at == ' ';
}

/* IN and the alternative at SIGNATURE. */
static enum verdict
signature_matches(struct span in, const char *signature)
{
	for (size_t i = 0; *signature != '\0' && *signature != '|'; i++) {
		int byte = span_at(in, i), low, high;

		if (byte < 0)
			return PROBE_MORE;
		signature_next(&signature, &low, &high);
		if (byte < low || byte > high)
			return PROBE_NO;
	}
	return PROBE_YES;
}

enum verdict
probe_signature(struct span in, const char *signature)
{
	enum verdict verdict = signature_matches(in, signature);

	while (verdict != PROBE_YES && (signature = strchr(signature, '|')) != NULL) {
		signature += 2;
		verdict = probe_best(verdict, signature_matches(in, signature));
	}
	return verdict;
}

/* Lower *YES to the bytes of the shortest alternative, and raise *NO to those by which each alternative can be refused. */
static void
signature_least(const char *signature, unsigned *yes, unsigned *no)
{
	while (*signature != '\0') {
		unsigned count = 0, first = 0;

		for (int low, high; *signature != '\0' && *signature != '|';) {
			signature_next(&signature, &low, &high);
			count++;
			if (first == 0 && (low > 0 || high < 255))
				first = count;
		}
		if (*signature == '|')
			signature += 2;
		*yes = count < *yes ? count : *yes;
		*no = first > *no ? first : *no;
	}
}

void
probe_least(const struct probe *p, unsigned *ret_yes, unsigned *ret_no)
{
	unsigned yes = UINT_MAX, no = 1;

	if (p->prefix != NULL)
		yes = (unsigned)strlen(p->prefix);
	else if (p->bytes != NULL)
		signature_least(p->bytes, &yes, &no);
	*ret_yes = p->to_yes != 0 ? p->to_yes : yes;
	*ret_no = p->to_no != 0 ? p->to_no : no;
}
