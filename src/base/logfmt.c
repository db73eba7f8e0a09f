#include "config.h"

#include "base/logfmt.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool
is_plain(struct span value)
{
	if (value.length == 0)
		return false;
	for (size_t i = 0; i < value.length; i++) {
		uint8_t c = value.bytes[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return true;
}

/* Write C as it is written between quotes; returns how many characters that took, 4 at the most. */
static size_t
escape(char *to, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	const char *letter = c == '"' ? "\"" : c == '\\' ? "\\" : c == '\n' ? "n" : c == '\r' ? "r" : c == '\t' ? "t" : NULL;

	if (letter != NULL) {
		to[0] = '\\';
		to[1] = letter[0];
		return 2;
	}
	if (c >= ' ' && c < 0x7f) {
		to[0] = (char)c;
		return 1;
	}
	to[0] = '\\';
	to[1] = 'x';
	to[2] = hex[c >> 4];
	to[3] = hex[c & 15];
	return 4;
}

/* Add a pair and leave RESERVE bytes of the line free; with a reserve, a value that needs more is cut. */
static void
add_pair(struct logfmt *l, const char *key, struct span value, size_t reserve)
{
	/* the longest pair: every byte escaped, "...", quotes */
	char pair[64 + 4 * LOGFMT_VALUE + 8];
	size_t room = LOGFMT_LINE > l->length + reserve + 1 ? LOGFMT_LINE - l->length - reserve - 1 : 0;
	size_t n, i, shown = value.length > LOGFMT_VALUE ? LOGFMT_VALUE : value.length;
	bool plain = is_plain(value);

	n = strnlen(key, 60);
	memcpy(pair, key, n);
	pair[n++] = '=';
	if (!plain)
		pair[n++] = '"';
	/* what our own side says is whole or not there; of what a peer sent, the beginning is worth having */
	for (i = 0; i < shown && (reserve == 0 || n + 4 + 4 <= room); i++)
		n += escape(pair + n, value.bytes[i]);
	if (i == 0 && value.length > 0)
		return;
	if (i < value.length) {
		memcpy(pair + n, "...", 3);
		n += 3;
	}
	if (!plain)
		pair[n++] = '"';

	if (n > room)
		return;
	if (l->length > 0)
		l->text[l->length++] = ' ';
	memcpy(l->text + l->length, pair, n);
	l->length += n;
	l->text[l->length] = '\0';
}

void
logfmt_bytes(struct logfmt *l, const char *key, struct span value)
{
	add_pair(l, key, value, 0);
}

void
logfmt_text(struct logfmt *l, const char *key, const char *value)
{
	logfmt_bytes(l, key, span_of(value, strlen(value)));
}

void
logfmt_number(struct logfmt *l, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, value);
	logfmt_text(l, key, digits);
}

void
logfmt_peer(struct logfmt *l, const char *key, struct span value)
{
	add_pair(l, key, value, LOGFMT_RESERVE);
}
