#include "probe/probes.h"

/*
 * Version 3 to 5, or 41 and 42 of DataStax, whose drivers try them first; no flags (or the one for a beta version), stream, OPTIONS
 * (5), which is empty, or STARTUP (1), a map of strings.  SOCKS has other values where the flags are, TPKT where the operation is.
 */
enum verdict
probe_cassandra(struct span in, struct reading *r)
{
	enum verdict options = probe_signature(in, "03-42 00-10 ?? ?? 05 00 00 00 00");
	enum verdict startup = probe_signature(in, "03-42 00-10 ?? ?? 01 00 00 ?? ?? 00");

	(void)r;
	if (in.bytes[0] > 0x05 && in.bytes[0] < 0x41)
		return PROBE_NO;
	if (in.length >= 2 && in.bytes[1] != 0x00 && in.bytes[1] != 0x10)
		return PROBE_NO;
	if (in.length >= 9 && in.bytes[7] == 0 && in.bytes[8] < 2)
		startup = PROBE_NO;
	return probe_best(options, startup);
}
