#include "config.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "rule/prefix.h"
#include "base/span.h"
#include "tap.h"

static void
test_expressions(void)
{
	static const struct {
		const char *expression, *prefix;
	} tests[] = {
		{ "^GET /", "GET /" },
		{ "GET", "" },
		{ "", "" },
		{ "^", "" },
		{ "^$", "" },
		{ "^ab$", "ab" },
		{ "^ab*", "a" },
		{ "^ab?", "a" },
		{ "^ab+", "a" },
		{ "^ab+*", "a" },
		{ "^ab{0,2}", "a" },
		{ "^a*", "" },
		{ "^*a", "" },
		{ "^a|b", "" },
		{ "^a|^b", "" },
		{ "a|^b", "" },
		{ "^(a|b)c|d", "" },
		{ "^ab(c|d)", "ab" },
		{ "^ab((c)|d)e", "ab" },
		{ "^(ab)", "" },
		{ "(^ab)", "" },
		{ "^ab()*", "ab" },
		{ "^a.b", "a" },
		{ "^a[bc]d", "a" },
		{ "^a[]|]b|c", "" },
		{ "^a[]|]b", "a" },
		{ "^a[^]|]b", "a" },
		{ "^a[(]b|c", "" },
		{ "^a[|[:alpha:]|]b", "a" },
		{ "^a[[.].]|]b", "a" },
		{ "^a\\|b", "a|b" },
		{ "^a\\.b", "a.b" },
		{ "^a\\.*b", "a" },
		{ "^a\\\\b", "a\\b" },
		{ "^a\\(b|c", "" },
		{ "^\\^a", "^a" },
		{ "^\\*1\r", "*1\r" },
		{ "^a\\wb", "a" },
		{ "^a\\<b", "a" },
		{ "^a\\1", "a" },
		{ "^^a", "" },
		{ "^a)b|c", "" },
		{ "^a\xc3\xa9*", "a" },
		{ "^a b", "a b" },
	};

	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		uint8_t bytes[64];
		size_t n = prefix_of(tests[i].expression, bytes);

		ok(n == strlen(tests[i].prefix) && memcmp(bytes, tests[i].prefix, n) == 0, "%s begins with \"%s\"",
		    tests[i].expression, tests[i].prefix);
	}
}

/* COUNT pieces of those that are parted by spaces in FROM; more often than not, the first ones. */
static void
make(char *text, const char *from, int count)
{
	*text = '\0';
	while (count-- > 0) {
		const char *piece = from;

		for (int skip = rand() % (rand() % 2 == 0 ? 3 : 24); skip > 0; skip--)
			piece = strchr(piece, ' ') != NULL ? strchr(piece, ' ') + 1 : from;
		strncat(text, piece, strcspn(piece, " "));
	}
}

/* What the C library says matches begins with the prefix. */
static void
test_random(void)
{
	char expression[64], text[64];
	uint8_t bytes[64];
	unsigned with = 0, matches = 0, wrong = 0;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		regex_t regex;
		size_t n;

		expression[0] = '^';
		make(expression + 1,
		    "a b c | ( ) * + ? {0,1} {2} [ab] [^]a] [|b] [(] [[:alpha:]|] \\. \\| \\( \\\\ . $ ^ ) \\b", 1 + rand() % 7);
		n = prefix_of(expression, bytes);
		if (n == 0 || regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0)
			continue;
		with++;
		for (int j = 0; j < 40; j++) {
			make(text, "a b c aa ab . | ( \\ ] ^ $ ) * x", rand() % 6);
			if (rand() % 2 == 0) {
				memmove(text + n, text, strlen(text) + 1);
				memcpy(text, bytes, n);
				text[rand() % n] = "abc"[rand() % 3];
			}
			if (regexec(&regex, text, 0, NULL, 0) != 0)
				continue;
			matches++;
			if (strlen(text) >= n && memcmp(text, bytes, n) == 0)
				continue;
			printf("# %s matches \"%s\"\n", expression, text);
			wrong++;
		}
		regfree(&regex);
	}
	ok(with > 1000 && matches > 1000 && wrong == 0,
	    "%u random expressions with %u matches, %u without their prefix", with, matches, wrong);
}

int
main(void)
{
	test_expressions();
	test_random();
	return done_testing();
}
