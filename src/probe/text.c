#include "probe/probes.h"

bool
text_is_alpha(int c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool
text_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

bool
text_is_token(int c)
{
	return text_is_alpha(c) || text_is_digit(c) || (c > 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

int
text_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

bool
text_is(struct span s, const char *word)
{
	return s.length == strlen(word) && span_agrees(s, word, s.length);
}

bool
text_begins(struct span s, const char *word)
{
	for (size_t i = 0; word[i] != '\0'; i++)
		if (text_lower(span_at(s, i)) != word[i])
			return false;
	return true;
}

struct span
text_host(struct span authority)
{
	size_t at = span_find(authority, 0, '@'), end;

	if (at < authority.length)
		authority = span_slice(authority, at + 1, authority.length);
	if (span_at(authority, 0) == '[') {
		end = span_find(authority, 0, ']');
		return span_slice(authority, 0, end + 1);
	}
	return span_slice(authority, 0, span_find(authority, 0, ':'));
}

void
text_add(struct reading *r, const char *name, struct span value)
{
	if (value.length > 0)
		reading_add(r, name, value);
}

enum verdict
text_any(struct span in, const char *const words[])
{
	enum verdict verdict = PROBE_NO;

	for (size_t i = 0; words[i] != NULL; i++)
		verdict = probe_best(verdict, probe_literal(in, words[i], strlen(words[i])));
	return verdict;
}

enum verdict
text_number(struct span in, unsigned base, size_t digits, size_t *ret_length, unsigned *ret)
{
	size_t i;

	*ret = 0;
	for (i = 0; i < in.length && i < digits; i++) {
		int c = in.bytes[i];
		int value = text_is_digit(c) ? c - '0' : text_is_alpha(c) ? (c | 0x20) - 'a' + 10 : 99;

		if (value >= (int)base)
			break;
		*ret = *ret * base + (unsigned)value;
	}
	*ret_length = i;
	return i == in.length && i < digits ? PROBE_MORE : i == 0 ? PROBE_NO : PROBE_YES;
}
