#include "config.h"

#include "base/number.h"

#include <errno.h>
#include <string.h>

int
number_take(const char *text, uint64_t most, uint64_t *ret, const char **ret_rest)
{
	uint64_t value = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		/* asked before it can be more than 64 bits hold */
		if (digit > most || value > (most - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret = value;
	*ret_rest = text;
	return 0;
}

int
number_parse(const char *text, uint64_t most, uint64_t *ret)
{
	const char *rest;

	/* first, so that what is no number is not called too large */
	if (text[strspn(text, "0123456789")] != '\0')
		return -EINVAL;
	return number_take(text, most, ret, &rest);
}

char *
number_put(char *to, unsigned n)
{
	char digits[NUMBER_TEXT];
	size_t at = sizeof digits;

	digits[--at] = '\0';
	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	memcpy(to, digits + at, sizeof digits - at);
	return to + sizeof digits - at - 1;
}
