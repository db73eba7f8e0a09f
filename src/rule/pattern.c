#include "config.h"

#include "rule/pattern.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "net/sniff.h"

/* Cut @OFFSET off at AT; NULL: there is none. */
static int
take_offset(struct parser *p, char *at, size_t *ret_offset)
{
	uint64_t offset;

	if (at == NULL)
		return 0;
	if (number_parse(at + 1, 65535, &offset) < 0)
		return parser_refuse(p, at, "expected @OFFSET, a number of bytes below 65536");
	*at = '\0';
	*ret_offset = (size_t)offset;
	return 0;
}

/* No more bytes than SNIFF_MAX are looked at. */
static int
check_end(struct parser *p, const struct pattern *pattern, const char *item)
{
	if (pattern->offset + pattern->length <= SNIFF_MAX)
		return 0;
	return parser_refuse(p, item, "ends behind the first 65536 bytes, so it cannot hold");
}

/* HEX[@OFFSET] */
static int
parse_hex(struct parser *p, struct pattern *pattern, char *item)
{
	size_t length;

	if (take_offset(p, strrchr(item, '@'), &pattern->offset) < 0)
		return -EINVAL;
	length = strlen(item);
	if (length == 0 || length % 2 != 0)
		return parser_refuse(p, item, "expected pairs of hexadecimal digits, ? for any digit, e.g. bytes=16030?");
	pattern->length = length / 2;
	if (check_end(p, pattern, item) < 0)
		return -EINVAL;
	pattern->bytes = parser_reserve(p, length);
	if (pattern->bytes == NULL)
		return -ENOSPC;
	pattern->mask = pattern->bytes + pattern->length;
	for (size_t i = 0; i < length; i++) {
		int digit = words_hex(item[i]), shift = i % 2 == 0 ? 4 : 0;

		if (item[i] == '?')
			continue;
		if (digit < 0)
			return parser_refuse(p, item, "expected hexadecimal digits, ? for any digit");
		pattern->bytes[i / 2] |= (uint8_t)(digit << shift);
		pattern->mask[i / 2] |= (uint8_t)(15 << shift);
	}
	return 0;
}

int
pattern_bytes(struct parser *p, struct condition *c, char *value)
{
	char **items;
	int r = parser_list(p, value, &items, &c->length);

	c->kind = CONDITION_BYTES;
	if (r < 0)
		return r;
	c->patterns = parser_reserve(p, c->length * sizeof *c->patterns);
	if (c->patterns == NULL)
		return -ENOSPC;
	for (size_t i = 0; i < c->length && r == 0; i++)
		r = parse_hex(p, &c->patterns[i], items[i]);
	return r;
}

/* R is before an item.  Returns its length, and in *ret_at how far into the item the last @ outside quotes is, or SIZE_MAX. */
static size_t
read_item(struct word_reader *r, size_t *ret_at)
{
	const char *reason;
	bool quoted;
	size_t length = 0;
	int c;

	*ret_at = SIZE_MAX;
	for (; (c = words_next(r, &quoted, &reason)) > 0 && (c != ',' || quoted); length++)
		if (c == '@' && !quoted)
			*ret_at = length;
	return length;
}

int
pattern_text(struct parser *p, struct condition *c, char *value, struct word_reader r)
{
	struct word_reader ahead = r;
	const char *end = value + strlen(value);
	size_t at;

	c->kind = CONDITION_BYTES;
	for (const char *item = value; item <= end; item += read_item(&ahead, &at) + 1)
		c->length++;
	c->patterns = parser_reserve(p, c->length * sizeof *c->patterns);
	if (c->patterns == NULL)
		return -ENOSPC;
	for (size_t i = 0; i < c->length; i++) {
		struct pattern *pattern = &c->patterns[i];
		size_t length = read_item(&r, &at);

		value[length] = '\0';
		if (take_offset(p, at < length ? value + at : NULL, &pattern->offset) < 0)
			return -EINVAL;
		pattern->length = strlen(value);
		if (pattern->length == 0)
			return parser_refuse(p, c->length > 1 ? "," : "text=", "expected text, and an item of a list is not empty");
		if (check_end(p, pattern, value) < 0)
			return -EINVAL;
		pattern->bytes = (uint8_t *)value;
		pattern->mask = parser_reserve(p, pattern->length);
		if (pattern->mask == NULL)
			return -ENOSPC;
		memset(pattern->mask, 0xff, pattern->length);
		value += length + 1;
	}
	return 0;
}
