#include "config.h"

#include <errno.h>

#include "rule/words.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct word words[WORDS_MAX];

/* Cut LINE, which stays as it is, into words.  The words are in *ret_copy, whose storage is static. */
static int
cut(const char *line, const char **ret_reason)
{
	static char copy[8192];

	snprintf(copy, sizeof copy, "%s", line);
	*ret_reason = NULL;
	return words_cut(copy, words, ret_reason);
}

static void
test_lines(void)
{
	static const struct {
		const char *line, *words[5];
	} cases[] = {
		{ "", { NULL } },
		{ " \t\n\v\f", { NULL } },
		{ "# ssh close", { NULL } },
		{ "  # ssh close", { NULL } },
		{ "ssh #close", { "ssh", "#close" } },
		{ "ssh close", { "ssh", "close" } },
		{ "\tssh\t close\n", { "ssh", "close" } },
		{ "ssh\rany close", { "ssh\rany", "close" } },
		{ "'a b' c", { "a b", "c" } },
		{ "\"a b\" c", { "a b", "c" } },
		{ "a'b c'd", { "ab cd" } },
		{ "a\"b c\"d", { "ab cd" } },
		{ "'a''b'", { "ab" } },
		{ "'' x", { "", "x" } },
		{ "'#' x", { "#", "x" } },
		{ "'a\"b'", { "a\"b" } },
		{ "\"a'b\"", { "a'b" } },
		{ "'a\\n'", { "a\\n" } },
		{ "a\\n", { "a\\n" } },
		{ "\"\\r\\n\\t\\\\\\\"\\x41\\xff\"", { "\r\n\t\\\"A\xff" } },
	};
	const char *reason;

	for (size_t i = 0; i < COUNT(cases); i++) {
		int n = 0, got = cut(cases[i].line, &reason);

		while (cases[i].words[n] != NULL)
			n++;
		is_int(got, n, "line %zu has %d words", i + 1, n);
		for (int j = 0; j < n && j < got; j++)
			is_str(words[j].text, cases[i].words[j], "line %zu, word %d", i + 1, j + 1);
	}
}

static void
test_bad_lines(void)
{
	static const char *const cases[] = { "'a", "\"a", "a 'b c", "\"\\q\"", "\"\\x4\"", "\"\\xg0\"", "\"\\x00\"", "\"\\" };
	static char many[3 * WORDS_MAX];
	const char *reason;

	for (size_t i = 0; i < COUNT(cases); i++) {
		is_int(cut(cases[i], &reason), -EINVAL, "%s is refused", cases[i]);
		ok(reason != NULL && *reason != '\0', "%s: it is said why", cases[i]);
	}
	for (int i = 0; i < WORDS_MAX; i++)
		memcpy(many + 2 * i, "a ", 2);
	is_int(cut(many, &reason), WORDS_MAX, "a line with as many words as it may have is cut");
	memcpy(many + 2 * WORDS_MAX, "a", 2);
	is_int(cut(many, &reason), -EINVAL, "a line with one word more is refused");
}

static void
test_places(void)
{
	const char *reason;

	is_int(cut("ab  'c d'e \"\\x41\"f g", &reason), 4, "a line with quoted words is cut");
	is_int((long long)words[0].start, 0, "the first word begins the line");
	is_int((long long)words[1].start, 4, "a word begins at its quote");
	is_int((long long)words[2].start, 11, "a word begins where it did before the words ahead of it were cut");
}

/* Byte by byte a word is what it is when it is cut, and each byte knows whether it was between quotes. */
static void
test_bytes(void)
{
	static const struct {
		const char *written, *bytes, *quoted;	/* q: between quotes, -: not */
		int end;
	} cases[] = {
		{ "", "", "", 0 },
		{ " a", "", "", 0 },
		{ "ab c", "ab", "--", 0 },
		{ "a,'b,c',d\\t", "a,b,c,d\\t", "--qqq----", 0 },
		{ "'c d'e", "c de", "qqq-", 0 },
		{ "\"\\x41\\xff\"f\t", "A\xff" "f", "qq-", 0 },
		{ "''\"\"x''", "x", "-", 0 },
		{ "'\"'\"'\"", "\"'", "qq", 0 },
		{ "a'b", "ab", "-q", -EINVAL },
		{ "a\"\\q\"", "a", "-", -EINVAL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct word_reader r = { .from = cases[i].written };
		char bytes[16] = "", marks[16] = "";
		const char *reason = NULL;
		bool quoted;
		int c;

		for (size_t n = 0; (c = words_next(&r, &quoted, &reason)) > 0 && n + 1 < sizeof bytes; n++) {
			bytes[n] = (char)c;
			marks[n] = quoted ? 'q' : '-';
		}
		is_str(bytes, cases[i].bytes, "word %zu", i + 1);
		is_str(marks, cases[i].quoted, "word %zu: between quotes", i + 1);
		is_int(c, cases[i].end, "word %zu: its end", i + 1);
		ok((reason != NULL) == (c < 0), "word %zu: a reason where one is due", i + 1);
	}
}

static void
test_hex(void)
{
	for (int c = 0; c < 256; c++) {
		const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' :
		    c) : NULL;

		if (words_hex((char)c) != (at != NULL ? (int)(at - digits) : -1))
			ok(false, "byte %d as a hexadecimal digit", c);
	}
	ok(words_hex('f') == 15 && words_hex('F') == 15 && words_hex('g') == -1, "hexadecimal digits are read in both cases");
}

int
main(void)
{
	test_lines();
	test_bad_lines();
	test_places();
	test_bytes();
	test_hex();
	return done_testing();
}
