#include <stdio.h>

#include "probe/probes.h"

/* Longer user names and host names than this are nobody's; a server may take them all the same. */
#define NAME_MAX_BYTES 255

/* What follows the eight bytes: user NUL, and in 4a, where the address is 0.0.0.x, host NUL. */
static void
destination(struct span in, struct reading *r)
{
	const uint8_t *ip = in.bytes + 4;
	struct span tail = span_slice(in, 8, in.length);
	size_t user = span_find(span_slice(tail, 0, NAME_MAX_BYTES + 1), 0, '\0');
	char text[16];
	uint8_t *kept;
	int length;

	if (ip[0] == 0 && ip[1] == 0 && ip[2] == 0 && ip[3] != 0) {
		size_t host;

		r->complete = user > NAME_MAX_BYTES;
		if (r->complete)
			reading_is_partial(r);
		if (user == tail.length || r->complete)
			return;
		tail = span_slice(tail, user + 1, user + 1 + NAME_MAX_BYTES + 1);
		host = span_find(tail, 0, '\0');
		r->complete = host < tail.length || host > NAME_MAX_BYTES;
		if (host > NAME_MAX_BYTES)
			reading_is_partial(r);
		if (host > 0 && host < tail.length)
			reading_add(r, "destination", span_slice(tail, 0, host));
		return;
	}
	length = snprintf(text, sizeof text, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
	kept = reading_keep(r, span_of(text, (size_t)length));
	if (kept != NULL)
		reading_add(r, "destination", span_of(kept, (size_t)length));
	r->complete = true;
}

/*
 * Version, CONNECT or BIND, port, address, user.  Port 0 is refused: a CQL version 4 frame has its stream number there.  The ninth
 * byte ends the user's name or is a letter of it.
 */
enum verdict
probe_socks4(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "04 01-02 ?? ?? ?? ?? ?? ?? ??");

	if (verdict == PROBE_NO)
		return verdict;
	if (in.length >= 4 && in.bytes[2] == 0 && in.bytes[3] == 0)
		return PROBE_NO;
	if (in.length >= 4 && in.length < 9)
		r->want = 9;
	if (verdict != PROBE_YES)
		return verdict;
	if (in.bytes[8] != '\0' && (in.bytes[8] <= ' ' || in.bytes[8] == 0x7f))
		return PROBE_NO;
	destination(in, r);
	return PROBE_YES;
}

/*
 * Version, count, that many methods.  Only assigned (00 to 09) and private (80 to FE) ones, and no more than could be meant: DNP3
 * begins 05 64, DCE/RPC and CQL version 5 have a count of 0.
 */
enum verdict
probe_socks5(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "05 01-20");
	size_t count;

	(void)r;
	if (verdict != PROBE_YES)
		return verdict;
	count = in.bytes[1];
	for (size_t i = 2; i < 2 + count; i++) {
		int method = span_at(in, i);

		if (method < 0)
			return PROBE_MORE;
		if (method == 0xff || (method > 9 && method < 0x80))
			return PROBE_NO;
	}
	return PROBE_YES;
}
