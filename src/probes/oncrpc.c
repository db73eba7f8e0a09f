#include <stdio.h>

#include "probes.h"

/* Record mark (last fragment, at most 64 KiB), transaction, CALL (0), RPC version 2, program. */
enum verdict
probe_oncrpc(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "80 00 ?? ?? ?? ?? ?? ?? 00 00 00 00 00 00 00 02 00-40 ?? ?? ??");
	char text[12];
	uint8_t *kept;
	int length;

	if (verdict != PROBE_YES)
		return verdict;
	length = snprintf(text, sizeof text, "%lu", (unsigned long)in.bytes[16] << 24 | (unsigned long)in.bytes[17] << 16 |
	    (unsigned long)in.bytes[18] << 8 | in.bytes[19]);
	kept = reading_keep(r, span_of(text, (size_t)length));
	if (kept != NULL)
		reading_add(r, "program", span_of(kept, (size_t)length));
	r->complete = true;
	return PROBE_YES;
}
