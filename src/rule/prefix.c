#include "config.h"

#include "rule/prefix.h"

#include <stdbool.h>
#include <string.h>

/* The end of the bracket expression at S: POSIX, section 9.3.5.  A `]' that comes first is one of its characters. */
static const char *
skip_bracket(const char *s)
{
	s += s[1] == '^' ? 2 : 1;
	if (*s == ']')
		s++;
	while (*s != '\0' && *s != ']') {
		char kind = s[1];

		if (*s++ != '[' || (kind != '.' && kind != '=' && kind != ':'))
			continue;
		s++;
		while (*s != '\0' && !(s[0] == kind && s[1] == ']'))
			s++;
		s += *s != '\0' ? 2 : 0;
	}
	return *s != '\0' ? s + 1 : s;
}

/* Whether another expression may match in place of the whole; an unmatched parenthesis may be anything. */
static bool
has_alternative(const char *s)
{
	int depth = 0;

	while (*s != '\0' && depth >= 0) {
		if (*s == '[') {
			s = skip_bracket(s);
			continue;
		}
		if (*s == '|' && depth == 0)
			return true;
		depth += (*s == '(') - (*s == ')');
		if (*s == '\\' && s[1] != '\0')
			s++;
		s++;
	}
	return depth != 0;
}

/*
 * Characters beyond ASCII are left to the C library, for one may have several bytes; and so are escapes that POSIX has no meaning
 * for, as \w and \<.
 */
size_t
prefix_of(const char *expression, uint8_t *bytes)
{
	const char *s = expression + 1;
	size_t n = 0;

	if (expression[0] != '^' || has_alternative(s))
		return 0;
	for (;;) {
		bool escaped = *s == '\\';
		unsigned char c = (unsigned char)s[escaped];

		/* strchr() finds the end, too */
		if (c >= 0x80 || c == '\0' || escaped != (strchr(".[]()*+?{}|^$\\", c) != NULL))
			return n;
		if (escaped && (c == ']' || c == '}'))
			return n;
		s += escaped ? 2 : 1;
		if (*s == '*' || *s == '+' || *s == '?' || *s == '{')
			return n;
		bytes[n++] = c;
	}
}
