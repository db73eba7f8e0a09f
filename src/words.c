#include "config.h"

#include "words.h"

#include <errno.h>
#include <string.h>

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
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

/* The escape whose backslash *FROM stands behind.  Returns the byte, or -1 and *ret_reason. */
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
		return -1;
	}
	if (high == 0 && low == 0) {
		*ret_reason = "\\x00 cannot stand in a word; match it with bytes=";
		return -1;
	}
	*from = p + 3;
	return high * 16 + low;
}

/* Copy what stands between quotes from behind the opening one to behind the closing one. */
static int
cut_quoted(const char **from, char **to, char quote, const char **ret_reason)
{
	const char *p = *from;

	while (*p != quote) {
		int c = (unsigned char)*p++;

		if (c == '\0') {
			*ret_reason = quote == '"' ? "expected a closing \"" : "expected a closing '";
			return -EINVAL;
		}
		if (c == '\\' && quote == '"' && (c = unescape(&p, ret_reason)) < 0)
			return -EINVAL;
		*(*to)++ = (char)c;
	}
	*from = p + 1;
	return 0;
}

int
words_cut(char *line, struct word words[WORDS_MAX], const char **ret_reason)
{
	const char *from = line;
	char *to = line;
	int count = 0;

	for (;;) {
		struct word *w = &words[count];
		bool more;

		while (is_space(*from))
			from++;
		if (*from == '\0' || (count == 0 && *from == '#'))
			return count;
		if (count == WORDS_MAX) {
			*ret_reason = "a line has 256 words at most";
			return -EINVAL;
		}
		*w = (struct word){ .text = to, .start = (size_t)(from - line) };
		while (*from != '\0' && !is_space(*from)) {
			if (*from != '"' && *from != '\'') {
				*to++ = *from++;
				continue;
			}
			from++;
			if (cut_quoted(&from, &to, from[-1], ret_reason) < 0)
				return -EINVAL;
			w->quoted = (size_t)(to - w->text);
		}
		/* the terminator may stand where the white space was, so look at that first */
		more = *from != '\0';
		*to++ = '\0';
		from += more;
		count++;
	}
}
