#include "config.h"

#include "rule/words.h"

#include <errno.h>
#include <string.h>

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f';
}

int
words_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The escape of which *FROM is behind the backslash.  Returns the byte, or -EINVAL and *ret_reason. */
static int
unescape(const char **from, const char **ret_reason)
{
	static const char names[] = "rnt\\\"", bytes[] = "\r\n\t\\\"";
	const char *p = *from, *name = *p != '\0' ? strchr(names, *p) : NULL;
	int high, low;

	if (name != NULL) {
		*from = p + 1;
		return bytes[name - names];
	}
	if (*p != 'x' || (high = words_hex(p[1])) < 0 || (low = words_hex(p[2])) < 0) {
		*ret_reason = "expected \\r, \\n, \\t, \\\\, \\\" or \\xNN behind a backslash between double quotes";
		return -EINVAL;
	}
	if (high == 0 && low == 0) {
		*ret_reason = "\\x00 cannot be in a word; match it with bytes=";
		return -EINVAL;
	}
	*from = p + 3;
	return high * 16 + low;
}

int
words_next(struct word_reader *r, bool *ret_quoted, const char **ret_reason)
{
	for (;;) {
		char c = *r->from;

		if (r->quote == '\0' && (c == '\0' || is_space(c)))
			return 0;
		if (c == '\0') {
			*ret_reason = r->quote == '"' ? "expected a closing \"" : "expected a closing '";
			return -EINVAL;
		}
		r->from++;
		if (r->quote == '\0' && (c == '"' || c == '\'')) {
			r->quote = c;
		} else if (c == r->quote) {
			r->quote = '\0';
		} else {
			*ret_quoted = r->quote != '\0';
			return c == '\\' && r->quote == '"' ? unescape(&r->from, ret_reason) : (unsigned char)c;
		}
	}
}

int
words_cut(char *line, struct word words[WORDS_MAX], const char **ret_reason)
{
	const char *from = line;
	char *to = line;
	int count = 0;

	for (;;) {
		struct word_reader r = { 0 };
		bool quoted, more;
		int c;

		while (is_space(*from))
			from++;
		if (*from == '\0' || (count == 0 && *from == '#'))
			return count;
		if (count == WORDS_MAX) {
			*ret_reason = "a line has 256 words at most";
			return -EINVAL;
		}
		words[count++] = (struct word){ .text = to, .start = (size_t)(from - line) };
		r.from = from;
		while ((c = words_next(&r, &quoted, ret_reason)) > 0)
			*to++ = (char)c;
		if (c < 0)
			return c;
		/* the terminator may be where the white space was, so look at that first */
		more = *r.from != '\0';
		*to++ = '\0';
		from = r.from + more;
	}
}
