/* What the probes have read, kept for the rules that ask next. */
#ifndef USHER_READINGS_H
#define USHER_READINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "probe/probe.h"

/* Readings by the probes, so that ten rules about tls parse it once.  Begin with { 0 } and scratch set; forget nothing between. */
struct readings {
	const struct probe *probe;
	size_t length;
	enum verdict verdict;
	struct reading reading;
	uint8_t *scratch;
	size_t scratch_size;
};

/* Read PROBE's attributes of BYTES into r->reading, unless they are there already.  Returns the probe's verdict. */
enum verdict readings_get(struct readings *r, const struct probe *probe, struct span bytes);

/*
 * Name the protocol of all BYTES that will come, for log and environment: PROBE if that is not NULL (a rule has named it), else as
 * the table says.  Its attributes are then in r->reading.  NULL: not known.
 */
const struct probe *readings_identify(struct readings *r, const struct probe *probe, struct span bytes);

#endif
