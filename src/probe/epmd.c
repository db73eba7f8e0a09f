#include "probe/probes.h"

/* Length and request: NAMES (n), PORT_PLEASE2 (z) with a node's name, ALIVE2 (x) with port and kind of node. */
enum verdict
probe_epmd(struct span in, struct reading *r)
{
	enum verdict names = probe_signature(in, "00 01 6e");
	enum verdict port = probe_signature(in, "00 02-ff 7a");
	enum verdict alive = probe_signature(in, "00 0d-ff 78 ?? ?? 48-4d 00");

	(void)r;
	if (alive != PROBE_NO && in.length >= 6 && in.bytes[5] != 'H' && in.bytes[5] != 'M')
		alive = PROBE_NO;
	if (port == PROBE_YES) {
		size_t letters = in.bytes[1] < 4 ? in.bytes[1] - 1U : 3;

		/* DNS over TCP has flags and counts here. */
		for (size_t i = 3; i < 3 + letters && port == PROBE_YES; i++)
			port = span_at(in, i) < 0 ? PROBE_MORE : in.bytes[i] > ' ' && in.bytes[i] < 0x7f ? PROBE_YES : PROBE_NO;
	}
	return probe_best(names, probe_best(port, alive));
}
