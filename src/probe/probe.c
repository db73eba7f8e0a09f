#include "config.h"

#include "probe/probe.h"

#include <limits.h>
#include <string.h>

#include "probe/probes.h"

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
	r->complete = r->partial = false;
	r->cut = NULL;
	r->count = 0;
	if (in.length == 0)
		return PROBE_MORE;
	if (probe->prefix != NULL)
		verdict = probe_literal(in, probe->prefix, strlen(probe->prefix));
	else if (probe->bytes != NULL)
		verdict = probe_signature(in, probe->bytes);
	if (verdict == PROBE_YES && probe->parse != NULL)
		verdict = probe->parse(in, r);
	if (verdict != PROBE_YES) {
		r->count = 0;
		r->partial = false;
		r->cut = NULL;
	}
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

void
probe_describe(struct logfmt *l, const struct probe *probe, const struct reading *reading, size_t have)
{
	logfmt_text(l, "protocol", probe != NULL ? probe->name : have == 0 ? "silent" : "unknown");
	for (size_t i = 0; probe != NULL && i < reading->count; i++)
		logfmt_peer(l, reading->attribute[i].name, reading->attribute[i].value);
}
