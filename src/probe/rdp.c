#include "probe/probes.h"

#define COOKIE "Cookie: mstshash="
#define COOKIE_LENGTH 17

/* The user's name stands after the fixed part, up to CR LF, inside the TPKT. */
static void
read_cookie(struct span in, size_t length, struct reading *r)
{
	struct span tail = span_slice(in, 11, length);
	size_t end;

	r->complete = in.length >= length || !span_agrees(tail, COOKIE, COOKIE_LENGTH);
	end = span_find(tail, COOKIE_LENGTH, '\r');
	if (!r->complete && end == tail.length)
		return;
	if (end > COOKIE_LENGTH && span_agrees(tail, COOKIE, COOKIE_LENGTH) && span_at(tail, end + 1) == '\n') {
		reading_add(r, "user", span_slice(tail, COOKIE_LENGTH, end));
		r->complete = true;
	} else if (r->complete && tail.length >= COOKIE_LENGTH && span_agrees(tail, COOKIE, COOKIE_LENGTH))
		reading_is_partial(r);
}

/*
 * TPKT (03 00 length), X.224: length indicator, connection request, destination 0, source, class 0.  Then nothing, a cookie or
 * routing token (text), or an RDP Negotiation Request (01); S7 and other ISO transports have C0, C1 or C2 there.
 */
enum verdict
probe_rdp(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "03 00 00-01 ?? 06-fe e0 00 00 ?? ?? 00");
	size_t length;
	int next;

	if (verdict == PROBE_NO || in.length < 4)
		return verdict;
	length = (size_t)in.bytes[2] << 8 | in.bytes[3];
	if (length < 11 || length > 5 + 254 || (in.length > 4 && in.bytes[4] != length - 5))
		return PROBE_NO;
	if (verdict == PROBE_MORE)
		return verdict;
	next = length == 11 ? 1 : span_at(in, 11);
	if (next < 0)
		return PROBE_MORE;
	if (next != 1 && (next < ' ' || next > '~'))
		return PROBE_NO;
	read_cookie(in, length, r);
	return PROBE_YES;
}
