#include "probe/probes.h"

/*
 * Length, then a hard reset from the client: version 2 (opcode 7, key 0), or version 3 (opcode 10), which carries a wrapped key and
 * is longer.  A DNS query whose number begins with 38 or 50 would look so; it has counts where the session's random number is.
 */
enum verdict
probe_openvpn(struct span in, struct reading *r)
{
	enum verdict v2 = probe_signature(in, "00 0e-ff 38"), v3 = probe_signature(in, "01-04 ?? 50");
	enum verdict verdict = probe_best(v2, v3), counts;

	if (in.length >= 2 && v3 != PROBE_NO) {
		unsigned length = (unsigned)in.bytes[0] << 8 | in.bytes[1];

		if (length < 336 || length > 1278)
			return PROBE_NO;
	}
	if (verdict != PROBE_YES)
		return verdict;
	counts = probe_signature(span_slice(in, 6, in.length), "00 01 00 00 00 00");
	if (counts != PROBE_NO) {
		if (counts == PROBE_MORE && in.length < 7)
			r->want = 7;
		return counts == PROBE_MORE ? PROBE_MORE : PROBE_NO;
	}
	reading_add(r, "opcode", v2 == PROBE_YES ? span_of("7", 1) : span_of("10", 2));
	r->complete = true;
	return PROBE_YES;
}
