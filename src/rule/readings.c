#include "config.h"

#include "rule/readings.h"

#include <stddef.h>

enum verdict
readings_get(struct readings *r, const struct probe *probe, struct span bytes)
{
	if (r->probe == probe && r->length == bytes.length)
		return r->verdict;
	r->reading.scratch = r->scratch;
	r->reading.scratch_left = r->scratch_size;
	r->verdict = probe_read(probe, bytes, &r->reading);
	r->probe = probe;
	r->length = bytes.length;
	return r->verdict;
}

const struct probe *
readings_identify(struct readings *r, const struct probe *probe, struct span bytes)
{
	if (probe != NULL) {
		readings_get(r, probe, bytes);
		return probe;
	}
	r->reading.scratch = r->scratch;
	r->reading.scratch_left = r->scratch_size;
	r->probe = NULL;	/* what is kept is no rule's reading any more */
	return probe_identify(bytes, true, &probe, &r->reading) == PROBE_YES ? probe : NULL;
}
