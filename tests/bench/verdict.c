/*
 * What a verdict costs: nanoseconds to ask a row about each of its samples, and the whole table about it; and the processor time
 * that a client can take by sending 64 KiB a byte at a time, for the beginning of a sample that costs the row most.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "samples.h"
#include "net/sniff.h"

/* How often each is timed, and how many calls are timed together; the least time counts, for the rest is the machine's. */
#define TIMINGS 15
#define CALLS 200

/* After how many places of a sample the dribble may take over. */
#define CUTS 8

static uint8_t scratch[SNIFF_MAX];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static enum verdict
ask(const struct probe *row, const uint8_t *bytes, size_t length, struct reading *r)
{
	const struct probe *named;

	r->scratch = scratch;
	r->scratch_left = sizeof scratch;
	if (row == NULL)
		return probe_identify(span_of(bytes, length), true, &named, r);
	return probe_read(row, span_of(bytes, length), r);
}

/* Nanoseconds to ask ROW, or all rows if it is NULL, about S. */
static double
time_of(const struct probe *row, const struct sample *s)
{
	double least = 1e18;

	for (int i = 0; i < TIMINGS; i++) {
		static volatile unsigned kept;
		double began = now(), took;
		struct reading r;

		for (int j = 0; j < CALLS; j++)
			kept += ask(row, s->bytes, s->length, &r);
		took = (now() - began) / CALLS;
		(void)kept;
		least = took < least ? took : least;
	}
	return least;
}

/* What a dribble of 64 KiB came to. */
struct dribble {
	double ns;
	unsigned calls;
	size_t bytes;	/* where it was over: no attribute can follow, or it is not the protocol */
	char name[96];
};

/* Bytes arrive one by one; the row is asked as sniff.c would, when there is what it wanted. */
static void
dribble(const struct probe *row, const uint8_t *bytes, struct dribble *ret)
{
	double began = now();
	struct reading r = { 0 };
	size_t want = 1, n;

	ret->calls = 0;
	for (n = 1; n <= SNIFF_MAX; n++) {
		if (n < want && n < SNIFF_MAX)
			continue;
		ret->calls++;
		if (ask(row, bytes, n, &r) == PROBE_NO || r.complete)
			break;
		want = r.want > n ? r.want : n + 1;
	}
	ret->bytes = n > SNIFF_MAX ? SNIFF_MAX : n;
	ret->ns = now() - began;
}

static void
keep_worst(struct dribble *worst, const struct dribble *d)
{
	if (d->ns > worst->ns)
		*worst = *d;
}

/* Each of several beginnings of S, then one of several fillings. */
static void
dribble_sample(const struct sample *s, struct dribble *worst)
{
	static const char *const fillings[] = { "A", " ", "a=", "a\n", "A: b\r\n", NULL };
	static uint8_t bytes[SNIFF_MAX];

	for (size_t cut = 0; cut < CUTS; cut++) {
		size_t length = s->length - s->length * cut / CUTS;

		for (size_t i = 0; i < sizeof fillings / sizeof fillings[0]; i++) {
			size_t size = fillings[i] != NULL ? strlen(fillings[i]) : 1;
			struct dribble d;

			memcpy(bytes, s->bytes, length);
			for (size_t n = length; n < SNIFF_MAX; n++)
				bytes[n] = fillings[i] != NULL ? (uint8_t)fillings[i][(n - length) % size] : 0;
			dribble(s->probe, bytes, &d);
			snprintf(d.name, sizeof d.name, "%zu bytes of %.60s", length, s->name);
			keep_worst(worst, &d);
		}
	}
}

/* A ClientHello of 64 KiB in records of one byte each. */
static void
dribble_records(struct dribble *worst)
{
	static const uint8_t hello[] = { 1, 0, 0xfd, 0xe0, 3, 3 };
	static uint8_t bytes[SNIFF_MAX];
	struct dribble d = { .name = "records of one byte" };

	for (size_t n = 0; n < SNIFF_MAX; n++) {
		static const uint8_t head[] = { 0x16, 3, 1, 0, 1 };

		bytes[n] = n % 6 < 5 ? head[n % 6] : n / 6 < sizeof hello ? hello[n / 6] : 0;
	}
	dribble(probe_find("tls"), bytes, &d);
	keep_worst(worst, &d);
}

static void
print_verdicts(const struct sample *samples, size_t count)
{
	const struct sample *dearest = NULL, *dearest_of_all = NULL;
	double most = 0, most_of_all = 0;

	printf("%-40s %8s %12s %12s\n", "SAMPLE", "bytes", "its row, ns", "all rows, ns");
	for (size_t i = 0; i < count; i++) {
		double row = time_of(samples[i].probe, &samples[i]), all = time_of(NULL, &samples[i]);

		printf("%-40s %8zu %12.0f %12.0f\n", samples[i].name, samples[i].length, row, all);
		if (row > most) {
			most = row;
			dearest = &samples[i];
		}
		if (all > most_of_all) {
			most_of_all = all;
			dearest_of_all = &samples[i];
		}
	}
	if (dearest != NULL && dearest_of_all != NULL)
		printf("dearest for its row: %s, %.0f ns; for all rows: %s, %.0f ns\n", dearest->name, most, dearest_of_all->name,
		    most_of_all);
}

static void
print_dribbles(const struct sample *samples, size_t count)
{
	struct dribble most = { 0 };

	printf("\n%-14s %10s %8s %8s  %s\n", "PROTOCOL", "64 KiB, us", "asked", "over at", "the worst of its samples' beginnings");
	for (const struct probe *row = probes; row->name != NULL; row++) {
		struct dribble worst = { 0 };

		for (size_t i = 0; i < count; i++)
			if (samples[i].probe == row)
				dribble_sample(&samples[i], &worst);
		if (row == probe_find("tls"))
			dribble_records(&worst);
		printf("%-14s %10.0f %8u %8zu  %s\n", row->name, worst.ns / 1e3, worst.calls, worst.bytes, worst.name);
		if (worst.ns > most.ns) {
			most = worst;
			snprintf(most.name, sizeof most.name, "%s", row->name);
		}
	}
	printf("dearest: %s, %.1f ms for 64 KiB a byte at a time\n", most.name, most.ns / 1e6);
}

int
main(void)
{
	static struct sample samples[SAMPLES_MAX];
	size_t count = samples_load(samples);

	print_verdicts(samples, count);
	print_dribbles(samples, count);
	return 0;
}
