#include "config.h"

#include "base/logfmt.h"
#include "probe/probe.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal) { (const uint8_t *)(literal), sizeof(literal) - 1 }

static void
test_values(void)
{
	static const struct {
		struct span value;
		const char *text;
	} cases[] = {
		{ BYTES("h2"), "k=h2" },
		{ BYTES("git.example.org"), "k=git.example.org" },
		{ BYTES("http/1.1"), "k=http/1.1" },
		{ BYTES("[2001:db8::1]:22"), "k=[2001:db8::1]:22" },
		{ BYTES("a'b,c;d"), "k=a'b,c;d" },
		{ BYTES(""), "k=\"\"" },
		{ BYTES("connect 127.0.0.1:22"), "k=\"connect 127.0.0.1:22\"" },
		{ BYTES("a=b"), "k=\"a=b\"" },
		{ BYTES("say \"hi\""), "k=\"say \\\"hi\\\"\"" },
		{ BYTES("\""), "k=\"\\\"\"" },
		{ BYTES("back \\ slash"), "k=\"back \\\\ slash\"" },
		{ BYTES("a\nclient=forged"), "k=\"a\\nclient=forged\"" },
		{ BYTES("\r\t"), "k=\"\\r\\t\"" },
		{ BYTES("\0"), "k=\"\\x00\"" },
		{ BYTES("\x1b[31m"), "k=\"\\x1b[31m\"" },
		{ BYTES("\x7f"), "k=\"\\x7f\"" },
		{ BYTES("\xc3\xa9"), "k=\"\\xc3\\xa9\"" },
		{ BYTES("\xff"), "k=\"\\xff\"" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct logfmt l = { 0 };

		logfmt_bytes(&l, "k", cases[i].value);
		is_str(l.text, cases[i].text, "value %zu is written, quoted where it must be", i);
		is_int((long long)l.length, (long long)strlen(l.text), "the length of the line is that of its text");
	}
}

static void
test_line(void)
{
	struct logfmt l = { 0 };

	is_str(l.text, "", "a line without pairs is an empty string");
	logfmt_text(&l, "client", "203.0.113.9:51234");
	logfmt_bytes(&l, "alpn", span_of("h2", 2));
	logfmt_bytes(&l, "alpn", span_of("http/1.1", 8));
	logfmt_number(&l, "bytes_in", 0);
	logfmt_number(&l, "bytes_out", UINT64_MAX);
	logfmt_text(&l, "action", "exec /usr/sbin/sshd -i");
	is_str(l.text, "client=203.0.113.9:51234 alpn=h2 alpn=http/1.1 bytes_in=0 bytes_out=18446744073709551615 "
	    "action=\"exec /usr/sbin/sshd -i\"", "pairs are joined by a space");
}

static void
test_cut(void)
{
	char value[LOGFMT_VALUE + 100], want[LOGFMT_VALUE + 100];
	struct logfmt l = { 0 };

	memset(value, 'v', sizeof(value));
	logfmt_bytes(&l, "k", span_of(value, LOGFMT_VALUE));
	is_int((long long)l.length, LOGFMT_VALUE + 2, "a value of the longest length is whole");
	ok(strstr(l.text, "...") == NULL, "a value of the longest length does not end in ...");

	for (size_t more = 1; more <= 100; more += 99) {
		memset(&l, 0, sizeof(l));
		logfmt_bytes(&l, "k", span_of(value, LOGFMT_VALUE + more));
		snprintf(want, sizeof(want), "k=%.*s...", LOGFMT_VALUE, value);
		is_str(l.text, want, "a value of %zu bytes more is cut and ends in ...", more);
	}
}

/* A pair that does not fit leaves no half of it behind, and a shorter one may still fit. */
static void
test_full(void)
{
	char value[LOGFMT_VALUE], nasty[LOGFMT_VALUE];
	struct logfmt l = { 0 };
	size_t before = 0, kept = 0;

	memset(value, 'v', sizeof(value));
	memset(nasty, '\1', sizeof(nasty));
	logfmt_bytes(&l, "k", span_of(nasty, sizeof(nasty)));
	is_int((long long)l.length, 4 * LOGFMT_VALUE + 4, "the longest escaped value fits");
	logfmt_bytes(&l, "k", span_of(nasty, sizeof(nasty)));
	is_int((long long)l.length, 4 * LOGFMT_VALUE + 4, "a second value that does not fit is left out");
	logfmt_bytes(&l, "k", span_of(value, 5));
	is_str(l.text + l.length - 8, " k=vvvvv", "a short value is still taken after one that did not fit");

	memset(&l, 0, sizeof(l));
	for (int i = 0; i < 500; i++) {
		before = l.length;
		logfmt_bytes(&l, "k", span_of(value, (size_t)(i * 7 % 40)));
		kept += l.length > before;
		if (l.length > LOGFMT_LINE || l.length != strlen(l.text) ||
		    (l.length > before && before > 0 && l.text[before] != ' '))
			break;
	}
	ok(l.length <= LOGFMT_LINE && l.length == strlen(l.text), "a full line keeps within its bounds");
	ok(l.length > LOGFMT_LINE - 5, "a full line is filled to its bounds");
	for (const char *pair = l.text; pair != NULL && kept > 0; pair = strchr(pair, ' '), kept--)
		pair += *pair == ' ';
	is_int((long long)kept, 0, "no pair that was taken is missing from a full line");
}

/* No byte gets out raw, alone or in company. */
static void
test_every_byte(void)
{
	bool raw = false;

	for (unsigned c = 0; c < 256; c++) {
		uint8_t value[3] = { 'a', (uint8_t)c, 'b' };
		struct logfmt l = { 0 };

		logfmt_bytes(&l, "k", span_of(value, 3));
		for (size_t i = 0; i < l.length; i++)
			raw |= l.text[i] < ' ' || l.text[i] > '~';
		if (c == ' ' || c == '"' || c == '=' || c < ' ' || c > '~')
			raw |= l.text[2] != '"' || l.text[l.length - 1] != '"';
	}
	ok(!raw, "every byte of 256 is written printably, and quoted where it must be");
}

/* Whatever a client sends, what we say of it behind that is on the line. */
static void
test_reserve(void)
{
	static uint8_t dear[LOGFMT_VALUE + 100];
	static const char *const ours[] = { "action", "backend", "end" };
	static const struct probe probe = { .name = "http" };
	static struct reading reading;
	struct logfmt l = { 0 };
	char text[160];

	/* four characters each */
	memset(dear, 0xc3, sizeof(dear));
	for (reading.count = 0; reading.count < 20; reading.count++)
		reading.attribute[reading.count] = (struct attribute){ "path", span_of(dear, 1 + 17 * reading.count) };
	probe_describe(&l, &probe, &reading, 1000);
	ok(strstr(l.text, "path=\"\\xc3") != NULL, "the beginning of what a client sent is there");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		logfmt_text(&l, ours[i], text);
		ok(strstr(l.text, ours[i]) != NULL, "there is room for %s", ours[i]);
	}
}

int
main(void)
{
	test_reserve();
	test_values();
	test_line();
	test_cut();
	test_full();
	test_every_byte();
	return done_testing();
}
