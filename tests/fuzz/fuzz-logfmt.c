/* Whatever a peer sent, a line is one record of printable ASCII that reads back as what was put in. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/logfmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a quoted value at *at, which moves on. */
static uint8_t
unescape(const char **at)
{
	char c = *(*at)++;

	if (c != '\\')
		return (uint8_t)c;
	c = *(*at)++;
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'x':
		expect(hex((*at)[0]) >= 0 && hex((*at)[1]) >= 0);
		*at += 2;
		return (uint8_t)(hex((*at)[-2]) << 4 | hex((*at)[-1]));
	default:
		expect(c == '"' || c == '\\');
		return (uint8_t)c;
	}
}

static void
expect_value(const char *text, struct span value)
{
	bool quoted = *text == '"';
	const char *at = text + quoted;
	size_t cut = value.length > LOGFMT_VALUE ? LOGFMT_VALUE : value.length;

	for (size_t i = 0; i < cut; i++) {
		expect(*at != '\0' && *at != (quoted ? '"' : ' '));
		expect((quoted ? unescape(&at) : (uint8_t)*at++) == value.bytes[i]);
	}
	if (cut < value.length) {
		expect(strncmp(at, "...", 3) == 0);
		at += 3;
	}
	expect(quoted ? strcmp(at, "\"") == 0 : *at == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct logfmt l = { 0 };
	size_t before;

	logfmt_bytes(&l, "key", span_of(bytes, length));
	expect(l.length == strlen(l.text) && strncmp(l.text, "key=", 4) == 0);
	expect_value(l.text + 4, span_of(bytes, length));

	/* Fill the line with pieces until nothing fits. */
	for (size_t at = 0; at < length && at < 4096; at += 37) {
		before = l.length;
		logfmt_bytes(&l, "k", span_slice(span_of(bytes, length), at, at + 37));
		expect(l.length == strlen(l.text) && l.length <= LOGFMT_LINE);
		expect(l.length == before || strncmp(l.text + before, " k=", 3) == 0);
	}
	for (size_t i = 0; i < l.length; i++)
		expect(l.text[i] >= ' ' && l.text[i] <= '~');
	return 0;
}
