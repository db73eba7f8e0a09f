#include "config.h"

#include "base/span.h"
#include "tap.h"

/* Every reader on every length: true and moved on when there is enough, false and nothing touched when there is not. */
static void
test_integers(void)
{
	static const uint8_t bytes[] = { 0x81, 0x02, 0xf3, 0x04, 0xff };

	for (size_t length = 0; length <= sizeof(bytes); length++) {
		struct span s = span_of(bytes, length);
		uint32_t u32 = 77;
		uint16_t u16 = 77;
		uint8_t u8 = 77;

		is_int(span_u8(&s, &u8), length >= 1, "u8 of %zu bytes: whether there is one", length);
		is_int(u8, length >= 1 ? 0x81 : 77, "u8: the value");
		is_int((long long)s.length, (long long)(length >= 1 ? length - 1 : length), "u8: what is left");

		s = span_of(bytes, length);
		is_int(span_be16(&s, &u16), length >= 2, "be16 of %zu bytes: whether there is one", length);
		is_int(u16, length >= 2 ? 0x8102 : 77, "be16: the value");
		ok(s.bytes == bytes + (length >= 2 ? 2 : 0), "be16: where the span begins after it");

		s = span_of(bytes, length);
		is_int(span_be24(&s, &u32), length >= 3, "be24 of %zu bytes: whether there is one", length);
		is_int(u32, length >= 3 ? 0x8102f3 : 77, "be24: the value");
		ok(s.bytes == bytes + (length >= 3 ? 3 : 0), "be24: where the span begins after it");

		u32 = 77;
		s = span_of(bytes, length);
		is_int(span_be32(&s, &u32), length >= 4, "be32 of %zu bytes: whether there is one", length);
		is_int(u32, length >= 4 ? 0x8102f304 : 77, "be32: the value");
		ok(s.bytes == bytes + (length >= 4 ? 4 : 0), "be32: where the span begins after it");

		u32 = 77;
		s = span_of(bytes, length);
		is_int(span_le32(&s, &u32), length >= 4, "le32 of %zu bytes: whether there is one", length);
		is_int(u32, length >= 4 ? 0x04f30281 : 77, "le32: the value");
		ok(s.bytes == bytes + (length >= 4 ? 4 : 0), "le32: where the span begins after it");
	}
}

static void
test_take(void)
{
	struct span s = span_of("abcdef", 6), taken = span_of("?", 1);

	ok(!span_take(&s, 7, &taken) && s.length == 6 && taken.length == 1, "more than there is cannot be taken");
	ok(!span_take(&s, SIZE_MAX, &taken) && s.length == 6 && taken.length == 1, "the largest size cannot be taken");
	ok(!span_skip(&s, SIZE_MAX) && s.length == 6, "the largest size cannot be skipped");
	ok(span_take(&s, 2, &taken) && taken.length == 2 && memcmp(taken.bytes, "ab", 2) == 0, "two bytes of six are taken");
	ok(s.length == 4 && s.bytes[0] == 'c', "two bytes of six were taken: four are left");
	ok(span_skip(&s, 4) && s.length == 0, "all four bytes that are left are skipped");
	ok(span_skip(&s, 0) && span_take(&s, 0, &taken) && taken.length == 0, "no bytes can be taken from an empty span");
	ok(!span_skip(&s, 1), "a byte cannot be skipped in an empty span");
}

static void
test_look(void)
{
	struct span s = span_of("abcabc", 6), none = span_of(NULL, 0);

	is_int(span_at(s, 0), 'a', "the first byte is found by its index");
	is_int(span_at(s, 5), 'c', "the last byte is found by its index");
	is_int(span_at(s, 6), -1, "there is no byte beyond the end");
	is_int(span_at(s, SIZE_MAX), -1, "there is no byte far beyond the end");
	is_int(span_at(none, 0), -1, "there is no byte in an empty span");
	is_int(span_at(span_of("\xff", 1), 0), 255, "a byte of 255 is not negative");
	is_int((long long)span_find(s, 0, 'b'), 1, "a byte is found from the beginning");
	is_int((long long)span_find(s, 2, 'b'), 4, "a byte is found from index 2");
	is_int((long long)span_find(s, 5, 'b'), 6, "a byte that does not come again is not found");
	is_int((long long)span_find(s, 99, 'b'), 6, "a byte is not found from beyond the end");
	is_int((long long)span_find(none, 0, 'b'), 0, "a byte is not found in an empty span");
}

static void
test_slice(void)
{
	static const struct {
		size_t from, to, at, length;
	} cases[] = {
		{ 0, 6, 0, 6 }, { 2, 4, 2, 2 }, { 2, 99, 2, 4 }, { 4, 2, 2, 0 }, { 99, 100, 6, 0 }, { 99, 3, 3, 0 }, { 6, 6, 6, 0 },
		{ 0, SIZE_MAX, 0, 6 },
	};
	static const char text[] = "abcdef";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span s = span_slice(span_of(text, 6), cases[i].from, cases[i].to);

		ok((const char *)s.bytes == text + cases[i].at && s.length == cases[i].length, "slice %zu to %zu", cases[i].from,
		    cases[i].to);
	}
}

static void
test_agrees(void)
{
	ok(span_agrees(span_of("SSH-2", 5), "SSH-", 4), "longer input agrees");
	ok(span_agrees(span_of("SS", 2), "SSH-", 4), "shorter input agrees so far");
	ok(span_agrees(span_of(NULL, 0), "SSH-", 4), "no input agrees");
	ok(!span_agrees(span_of("SX", 2), "SSH-", 4), "a wrong byte does not agree");
	ok(!span_agrees(span_of("SSH+2", 5), "SSH-", 4), "a wrong last byte does not agree");
	ok(span_agrees(span_of("a\0c", 3), "a\0c", 3), "NUL agrees like other bytes");
	ok(!span_agrees(span_of("a\0c", 3), "a\0d", 3), "NUL does not end the comparison");
}

int
main(void)
{
	test_integers();
	test_take();
	test_look();
	test_slice();
	test_agrees();
	return done_testing();
}
