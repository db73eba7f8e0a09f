#include "probe/probes.h"

/*
 * Whether an attribute of TYPE may have SIZE bytes: most of those with a fixed size are numbers and addresses, of 6.  Above 191 are
 * experiments, extensions and what is reserved, which no request begins with.
 */
static bool
is_attribute(int type, int size, bool is_first)
{
	static const char numbers[] = { 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 23, 27, 28, 29, 37, 38, 40, 41, 42, 43, 45, 46,
	    47, 48, 49, 51, 52, 53, 55, 61, 62, 64, 65, 73, 76 };

	if (type == 0 || type > 246 || (is_first && type > 191) || size < 2)
		return false;
	if (memchr(numbers, type, sizeof numbers) != NULL)
		return size == 6 || (size == 7 && (type == 64 || type == 65));
	return type == 2 ? (size - 2) % 16 == 0 : type == 3 ? size == 19 : type == 80 ? size == 18 : type != 26 || size >= 7;
}

/* Names of users, stations and servers. */
static bool
is_text(int type)
{
	return type == 1 || (type >= 30 && type <= 32) || type == 44 || type == 87;
}

/*
 * Access-Request, Accounting-Request or Status-Server, identifier, length, authenticator, and attributes, each with its length,
 * that fill the packet.  Only the whole tells it for certain, but most of what is not RADIUS has no such attributes; an
 * Accounting-Request can read like SOCKS4, too, which comes first.
 */
enum verdict
probe_radius(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "01-0c ?? 00-10 ??");
	size_t length, at = 20;

	if (in.bytes[0] != 1 && in.bytes[0] != 4 && in.bytes[0] != 12)
		return PROBE_NO;
	if (verdict != PROBE_YES)
		return verdict;
	length = (size_t)in.bytes[2] << 8 | in.bytes[3];
	if (length < 22 || length > 4096)
		return PROBE_NO;
	while (at < length) {
		int type = span_at(in, at), size = span_at(in, at + 1);

		if (type == 0 || (size >= 0 && (!is_attribute(type, size, at == 20) || at + (size_t)size > length)))
			return PROBE_NO;
		if (size < 0) {
			r->want = type < 0 ? at + 1 : at + 2;
			return PROBE_MORE;
		}
		if (size > 2 && is_text(type)) {
			int first = span_at(in, at + 2);

			if (first < 0) {
				r->want = at + 3;
				return PROBE_MORE;
			}
			if (first < ' ' || first == 0x7f)
				return PROBE_NO;
		}
		at += (size_t)size;
	}
	r->want = length;
	return in.length >= length ? PROBE_YES : PROBE_MORE;
}
