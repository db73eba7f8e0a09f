/*
 * How often a row of the table says YES to what is not its own: 1,000,000 buffers of 64 random bytes, as many of random printable
 * text, and the samples of all other protocols.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "samples.h"
#include "net/sniff.h"

#define BUFFERS 1000000
#define LENGTH 64
#define ROWS 160

enum kind { RANDOM, TEXT, KINDS };

static enum verdict
verdict_of(const struct probe *probe, const uint8_t *bytes, size_t length)
{
	static uint8_t scratch[SNIFF_MAX];
	struct reading r = { .scratch = scratch, .scratch_left = sizeof scratch };

	return probe_read(probe, span_of(bytes, length), &r);
}

static void
fill(uint8_t *buffer, enum kind kind, uint64_t *state)
{
	for (size_t i = 0; i < LENGTH; i += 8) {
		uint64_t value = samples_random(state);

		memcpy(buffer + i, &value, 8);
	}
	for (size_t i = 0; kind == TEXT && i < LENGTH; i++)
		buffer[i] = (uint8_t)(' ' + buffer[i] % 95);
	if (kind == TEXT)
		memcpy(buffer + LENGTH - 2, "\r\n", 2);
}

/* The names of those among SAMPLES that ROW takes for its own. */
static unsigned
foreign(const struct probe *row, const struct sample *samples, size_t count, char *names, size_t size)
{
	unsigned n = 0;

	*names = '\0';
	for (size_t i = 0; i < count; i++) {
		const char *other = samples[i].probe->name;

		if (samples[i].probe == row || verdict_of(row, samples[i].bytes, samples[i].length) != PROBE_YES)
			continue;
		n++;
		if (strstr(names, other) == NULL)
			snprintf(names + strlen(names), size - strlen(names), " %s", other);
	}
	return n;
}

int
main(void)
{
	static struct sample samples[SAMPLES_MAX];
	static unsigned hits[KINDS][ROWS], waiting[KINDS][ROWS], named[KINDS];
	size_t count = samples_load(samples);
	uint64_t state = 1;
	uint8_t buffer[LENGTH];
	char names[256];

	for (enum kind kind = RANDOM; kind < KINDS; kind++)
		for (unsigned n = 0; n < BUFFERS; n++) {
			bool any = false;

			fill(buffer, kind, &state);
			for (size_t i = 0; probes[i].name != NULL; i++) {
				enum verdict verdict = verdict_of(&probes[i], buffer, LENGTH);

				hits[kind][i] += verdict == PROBE_YES;
				waiting[kind][i] += verdict == PROBE_MORE;
				any = any || (verdict == PROBE_YES && !probes[i].named_only);
			}
			named[kind] += any;
		}
	printf("%u buffers of %u bytes, and the samples of all other protocols; what was never taken for a protocol is left out\n"
	    "%-14s %10s %10s %10s %10s %8s\n", BUFFERS, LENGTH, "PROTOCOL", "random YES", "MORE", "text YES", "MORE", "samples");
	for (size_t i = 0; probes[i].name != NULL; i++) {
		unsigned other = foreign(&probes[i], samples, count, names, sizeof names);

		if (hits[RANDOM][i] + waiting[RANDOM][i] + hits[TEXT][i] + waiting[TEXT][i] + other > 0)
			printf("%-14s %10u %10u %10u %10u %8u%s\n", probes[i].name, hits[RANDOM][i], waiting[RANDOM][i],
			    hits[TEXT][i], waiting[TEXT][i], other, names);
	}
	printf("%-14s %10u %10s %10u\n", "any of them", named[RANDOM], "", named[TEXT]);
	return 0;
}
