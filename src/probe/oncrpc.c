#include <stdio.h>

#include "probe/probes.h"

/* The row's bytes have seen to all but the program's number. */
enum verdict
probe_oncrpc(struct span in, struct reading *r)
{
	char text[12];
	uint8_t *kept;
	int length;

	length = snprintf(text, sizeof text, "%lu", (unsigned long)in.bytes[16] << 24 | (unsigned long)in.bytes[17] << 16 |
	    (unsigned long)in.bytes[18] << 8 | in.bytes[19]);
	kept = reading_keep(r, span_of(text, (size_t)length));
	if (kept != NULL)
		reading_add(r, "program", span_of(kept, (size_t)length));
	r->complete = true;
	return PROBE_YES;
}
