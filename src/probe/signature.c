/* Fixed bytes, as the rows of the table write them. */
#include "config.h"

#include <string.h>

#include "probe/probes.h"

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
void
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
