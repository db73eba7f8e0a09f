#include "probes.h"

/*
 * Access-Request, Accounting-Request or Status-Server, identifier, length, authenticator, and attributes, each with its length,
 * that fill the packet.  Only the whole tells it for certain; an Accounting-Request can read like SOCKS4, too, which comes first.
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

		if (type == 0 || (size >= 0 && (size < 2 || at + (size_t)size > length)))
			return PROBE_NO;
		if (size < 0) {
			r->want = type < 0 ? at + 1 : at + 2;
			return PROBE_MORE;
		}
		at += (size_t)size;
	}
	r->want = length;
	return in.length >= length ? PROBE_YES : PROBE_MORE;
}
