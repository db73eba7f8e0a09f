/*
 * A bounds-checked cursor over bytes that a peer sent.  All pointer arithmetic over such bytes is in this file.
 *
 * Every reader returns true and moves the cursor past what it read, or returns false and leaves cursor and out-parameter alone
 * because fewer bytes are left than it needs.
 */
#ifndef USHER_SPAN_H
#define USHER_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* LENGTH bytes at BYTES, borrowed from an owner that outlives the span. */
struct span {
	const uint8_t *bytes;
	size_t length;
};

static inline struct span
span_of(const void *bytes, size_t length)
{
	return (struct span){ bytes, length };
}

static inline bool
span_skip(struct span *s, size_t n)
{
	if (n > s->length)
		return false;
	s->bytes += n;
	s->length -= n;
	return true;
}

/* The next N bytes as a span of their own. */
static inline bool
span_take(struct span *s, size_t n, struct span *ret)
{
	struct span taken = { s->bytes, n };

	if (!span_skip(s, n))
		return false;
	*ret = taken;
	return true;
}

static inline bool
span_u8(struct span *s, uint8_t *ret)
{
	if (s->length < 1)
		return false;
	*ret = s->bytes[0];
	return span_skip(s, 1);
}

/* Big-endian unsigned integers of 2, 3 and 4 bytes. */
static inline bool
span_be16(struct span *s, uint16_t *ret)
{
	if (s->length < 2)
		return false;
	*ret = (uint16_t)(s->bytes[0] << 8 | s->bytes[1]);
	return span_skip(s, 2);
}

static inline bool
span_be24(struct span *s, uint32_t *ret)
{
	if (s->length < 3)
		return false;
	*ret = (uint32_t)s->bytes[0] << 16 | (uint32_t)s->bytes[1] << 8 | s->bytes[2];
	return span_skip(s, 3);
}

static inline bool
span_be32(struct span *s, uint32_t *ret)
{
	if (s->length < 4)
		return false;
	*ret = (uint32_t)s->bytes[0] << 24 | (uint32_t)s->bytes[1] << 16 | (uint32_t)s->bytes[2] << 8 | s->bytes[3];
	return span_skip(s, 4);
}

static inline bool
span_le32(struct span *s, uint32_t *ret)
{
	if (s->length < 4)
		return false;
	*ret = (uint32_t)s->bytes[3] << 24 | (uint32_t)s->bytes[2] << 16 | (uint32_t)s->bytes[1] << 8 | s->bytes[0];
	return span_skip(s, 4);
}

/* The byte at INDEX, or -1 beyond the end. */
static inline int
span_at(struct span s, size_t index)
{
	return index < s.length ? s.bytes[index] : -1;
}

/* The index of the first BYTE at or after FROM; s.length if there is none. */
static inline size_t
span_find(struct span s, size_t from, uint8_t byte)
{
	const uint8_t *found = from < s.length ? memchr(s.bytes + from, byte, s.length - from) : NULL;

	return found != NULL ? (size_t)(found - s.bytes) : s.length;
}

/* Bytes FROM (inclusive) to TO (exclusive), both cut to what is there. */
static inline struct span
span_slice(struct span s, size_t from, size_t to)
{
	if (to > s.length)
		to = s.length;
	if (from > to)
		from = to;
	return (struct span){ s.bytes + from, to - from };
}

/* Whether the LENGTH bytes of LITERAL and the bytes of S agree as far as both go. */
static inline bool
span_agrees(struct span s, const void *literal, size_t length)
{
	size_t n = s.length < length ? s.length : length;

	return n == 0 || memcmp(s.bytes, literal, n) == 0;
}

#endif
