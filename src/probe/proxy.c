#include "probe/probes.h"

/* "PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN".  An HTTP request for a target of that name is told apart by going no further. */
static enum verdict
version1(struct span in)
{
	enum verdict tcp4 = probe_literal(in, "PROXY TCP4 ", 11);
	enum verdict tcp6 = probe_literal(in, "PROXY TCP6 ", 11);
	enum verdict unknown = probe_literal(in, "PROXY UNKNOWN", 13);
	enum verdict verdict = tcp4 > tcp6 ? tcp4 : tcp6;

	return unknown > verdict ? unknown : verdict;
}

/* The twelve bytes, version 2 with command LOCAL or PROXY, family and transport, and a length that holds the family's addresses. */
static enum verdict
version2(struct span in)
{
	static const uint8_t least[4] = { 0, 12, 36, 216 };
	enum verdict verdict = probe_signature(in, "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 20-21 00-32 ?? ??");

	if (verdict == PROBE_NO || in.length < 14)
		return verdict;
	if ((in.bytes[13] & 0x0f) > 2)
		return PROBE_NO;
	if (verdict == PROBE_YES && in.bytes[12] == 0x21 && in.bytes[14] == 0 && in.bytes[15] < least[in.bytes[13] >> 4])
		return PROBE_NO;
	return verdict;
}

enum verdict
probe_proxy(struct span in, struct reading *r)
{
	(void)r;
	return in.bytes[0] == 'P' ? version1(in) : version2(in);
}
