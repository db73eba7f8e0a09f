/* The edges of every width, on machines of every width. */
#include "config.h"

#include <errno.h>
#include <stdint.h>

#include "base/number.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_values(void)
{
	static const struct {
		const char *text;
		uint64_t value;
	} cases[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "007", 7 },
		{ "000000000000000000000000000000000000000000000000000042", 42 },
		{ "2147483647", 2147483647 },
		{ "2147483648", 2147483648 },
		{ "2147483649", 2147483649 },
		{ "4294967295", 4294967295 },
		{ "4294967296", 4294967296 },
		{ "4294967297", 4294967297 },
		{ "9223372036854775807", 9223372036854775807u },
		{ "9223372036854775808", 9223372036854775808u },
		{ "9223372036854775809", 9223372036854775809u },
		{ "18446744073709551615", UINT64_MAX },
		{ "00018446744073709551615", UINT64_MAX },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 77, limit = cases[i].value;

		is_int(number_parse(cases[i].text, UINT64_MAX, &value), 0, "%s is a number", cases[i].text);
		ok(value == cases[i].value, "a number has the value that it says");
		value = 77;
		is_int(number_parse(cases[i].text, limit, &value), 0, "a number is not more than itself as the limit");
		ok(value == limit, "a number that is the limit has its value");
		if (limit == 0)
			continue;
		value = 77;
		is_int(number_parse(cases[i].text, limit - 1, &value), -ERANGE, "a number is more than a limit of one less");
		ok(value == 77, "a number beyond the limit sets nothing");
	}
}

static void
test_too_large(void)
{
	static const char *const cases[] = {
		"18446744073709551616", "18446744073709551617", "18446744073709551620", "20000000000000000000",
		    "99999999999999999999",
		"36893488147419103233", "340282366920938463463374607431768211457",
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 77;

		is_int(number_parse(cases[i], UINT64_MAX, &value), -ERANGE, "%s is more than 64 bits", cases[i]);
		is_int(number_parse(cases[i], 65535, &value), -ERANGE, "what is more than 64 bits is more than a port");
		ok(value == 77, "a number of more than 64 bits sets nothing");
	}
}

static void
test_no_numbers(void)
{
	static const char *const cases[] = {
		"", " ", "-", "+", "-0", "-1", "+1", "--1", " 1", "\t1", "\n1", "1 ", "1\n", "1x", "x1", "0x10", "1e3", "1.5",
		    "1,000", "1_000",
		"18446744073709551616x", "-18446744073709551615", "\xd9\xa1",
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 77;

		is_int(number_parse(cases[i], UINT64_MAX, &value), -EINVAL, "\"%s\" is no number", cases[i]);
		ok(value == 77, "what is no number sets nothing");
	}
}

static void
test_take(void)
{
	const char *rest = NULL;
	uint64_t value = 77;

	is_int(number_take("300ms", 1000, &value, &rest), 0, "300ms begins with a number");
	ok(value == 300, "300ms: the value is 300");
	is_str(rest, "ms", "300ms: what stands behind the number is ms");
	is_int(number_take("42", 42, &value, &rest), 0, "42 begins with a number");
	is_str(rest, "", "42: nothing stands behind the number");
	is_int(number_take("1001ms", 1000, &value, &rest), -ERANGE, "1001ms is beyond a limit of 1000");
	is_int(number_take("ms", 1000, &value, &rest), -EINVAL, "ms does not begin with a number");
	is_int(number_take("", 1000, &value, &rest), -EINVAL, "an empty string does not begin with a number");
	is_int(number_take("-3s", 1000, &value, &rest), -EINVAL, "-3s does not begin with a number");
	ok(value == 42 && *rest == '\0', "what does not begin with a number sets nothing");
}

static void
test_put(void)
{
	static const unsigned numbers[] = { 0, 1, 9, 10, 99, 100, 4096, 4294967295U };
	char text[NUMBER_TEXT], want[NUMBER_TEXT];

	for (size_t i = 0; i < COUNT(numbers); i++) {
		snprintf(want, sizeof(want), "%u", numbers[i]);
		ok(number_put(text, numbers[i]) == text + strlen(want), "%s ends where its digits do", want);
		is_str(text, want, "%s is written", want);
	}
}

int
main(void)
{
	test_values();
	test_too_large();
	test_no_numbers();
	test_take();
	test_put();
	return done_testing();
}
