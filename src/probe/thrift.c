#include "probe/probes.h"

/* A call (1) or one without answer (4): version 1, length and first letter of the method's name. */
static enum verdict
binary(struct span in)
{
	enum verdict verdict = probe_signature(in, "80 01 00 01-04 00 00 00 01-ff 41-7a");

	return in.length >= 4 && in.bytes[3] != 1 && in.bytes[3] != 4 ? PROBE_NO : verdict;
}

/* The same in the compact form: 82, type and version, sequence number as varint, length, first letter. */
static enum verdict
compact(struct span in)
{
	enum verdict call = probe_signature(in, "82 21"), oneway = probe_signature(in, "82 81"), verdict = probe_best(call, oneway);
	size_t i = 2;

	if (verdict != PROBE_YES)
		return verdict;
	while (i < 6 && span_at(in, i) >= 0x80)
		i++;
	if (span_at(in, i) < 0)
		return PROBE_MORE;
	return in.bytes[i] >= 0x80 ? PROBE_NO : probe_signature(span_slice(in, i + 1, in.length), "01-7f 41-7a");
}

/* Framed, a length of four bytes stands before either. */
enum verdict
probe_thrift(struct span in, struct reading *r)
{
	enum verdict verdict;

	(void)r;
	if (in.bytes[0] != 0)
		return in.bytes[0] == 0x80 ? binary(in) : compact(in);
	verdict = probe_signature(in, "00 00-0f ?? ??");
	if (verdict != PROBE_YES || in.length == 4)
		return verdict == PROBE_NO ? PROBE_NO : PROBE_MORE;
	in = span_slice(in, 4, in.length);
	return in.bytes[0] == 0x80 ? binary(in) : compact(in);
}
