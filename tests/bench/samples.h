/* The samples of tests/corpus, for the programs that measure the protocol table. */
#ifndef USHER_BENCH_SAMPLES_H
#define USHER_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "probe/probe.h"

struct sample {
	char name[64];
	const struct probe *probe;
	size_t length;
	uint8_t *bytes;
};

#define SAMPLES_MAX 512

/* Read all that the two INDEX files under $srcdir/tests/corpus name; ends the program when it cannot. */
size_t samples_load(struct sample samples[SAMPLES_MAX]);

/* 64 bits of xorshift64*; the state is not 0 and says what comes. */
uint64_t samples_random(uint64_t *state);

#endif
