#include "config.h"

#include "rule/glob.h"

#include <stddef.h>

static int
lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool
glob_matches(const char *glob, struct span value, enum attribute_type type)
{
	bool is_host = type == ATTRIBUTE_HOST;
	const char *star = NULL;
	size_t at = 0, resume = 0;

	if (is_host && value.length > 1 && value.bytes[value.length - 1] == '.')
		value.length--;
	/* the last star takes one more byte whenever what follows it does not fit: no recursion, no blow-up */
	while (at < value.length) {
		int c = value.bytes[at], g = (unsigned char)*glob;

		if (g == '*') {
			star = ++glob;
			if (is_host)
				at++;
			resume = at;
		} else if (g != '\0' && (g == '?' || g == c || (type != ATTRIBUTE_TEXT && lower(g) == lower(c)))) {
			glob++;
			at++;
		} else if (star != NULL) {
			glob = star;
			at = ++resume;
		} else
			return false;
	}
	while (*glob == '*' && !is_host)
		glob++;
	return *glob == '\0';
}
