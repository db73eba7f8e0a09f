#include "probe/probes.h"

/*
 * Length (below 4 KiB), number, flags of a query (no answer, not authoritative, not cut, no error), one question, no answers, at
 * most one authority (for IXFR) and three additional records (EDNS, TSIG).
 */
enum verdict
probe_dns(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "00-0f ?? ?? ?? 00-79 ?? 00 01 00 00 00 00-01 00 00-03");

	(void)r;
	if (in.length >= 2 && in.bytes[0] == 0 && in.bytes[1] < 17)
		return PROBE_NO;
	if (in.length >= 5 && ((in.bytes[4] & 0x86) != 0 || (in.bytes[4] & 0x78) > 0x28))
		return PROBE_NO;
	if (in.length >= 6 && (in.bytes[5] & 0xcf) != 0)
		return PROBE_NO;
	return verdict;
}
