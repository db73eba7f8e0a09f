/* Every row of the table, fed with more and more of the input, keeps the contract of probe.h. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe.h"
#include "net/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define ROWS 160

/* What a row said of the bytes before; an attribute is kept as a number that depends on its name and value. */
struct said {
	enum verdict verdict;
	bool complete, partial;
	size_t want, count;
	uint64_t attribute[READING_ATTRIBUTES];
};

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

/* FNV-1a; it also touches every byte, so that AddressSanitizer sees a value that is not ours. */
static uint64_t
digest(const struct attribute *a)
{
	uint64_t h = 0xcbf29ce484222325;

	for (const char *c = a->name; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3;
	for (size_t i = 0; i < a->value.length; i++)
		h = (h ^ a->value.bytes[i]) * 0x100000001b3;
	return h;
}

static bool
is_announced(const struct probe *probe, const char *name)
{
	for (const struct attribute_kind *kind = probe->attributes; kind->name != NULL; kind++)
		if (strcmp(kind->name, name) == 0)
			return true;
	return false;
}

static void
ask(const struct probe *probe, struct span in, struct said *ret)
{
	static uint8_t scratch[SNIFF_MAX];
	struct reading r = { .scratch = scratch, .scratch_left = sizeof scratch };

	memset(ret, 0, sizeof *ret);
	ret->verdict = probe_read(probe, in, &r);
	ret->complete = r.complete;
	ret->partial = r.partial;
	ret->want = r.want;
	ret->count = r.count;
	expect(ret->verdict == PROBE_YES || r.count == 0);
	for (size_t i = 0; i < r.count; i++) {
		expect(is_announced(probe, r.attribute[i].name));
		ret->attribute[i] = digest(&r.attribute[i]);
	}
}

/* NOW, of LENGTH bytes, follows BEFORE, of fewer. */
static void
compare(const struct said *before, const struct said *now, size_t length)
{
	expect(before->verdict == PROBE_MORE || before->verdict == now->verdict);
	expect(before->count <= now->count);
	expect(memcmp(before->attribute, now->attribute, before->count * sizeof now->attribute[0]) == 0);
	expect(!before->complete || (now->complete && before->count == now->count));
	expect(before->want <= length || (before->verdict == now->verdict && before->count == now->count &&
	    before->complete == now->complete && before->partial == now->partial));
	expect(!before->partial || now->partial);
	expect(!now->complete || now->verdict == PROBE_YES);
	expect(now->want == 0 || (now->want > length && now->verdict != PROBE_NO && !now->complete));
}

/* The first row that says YES while those before say NO; what is looked for by name only is passed over. */
static void
expect_name(struct span in, const struct said *said)
{
	static uint8_t scratch[SNIFF_MAX];

	for (int final = 0; final < 2; final++) {
		struct reading r = { .scratch = scratch, .scratch_left = sizeof scratch };
		const struct probe *named = NULL;
		enum verdict verdict = probe_identify(in, final, &named, &r);
		size_t i = 0;

		while (probes[i].name != NULL &&
		    (probes[i].named_only || said[i].verdict == PROBE_NO || (final && said[i].verdict == PROBE_MORE)))
			i++;
		if (probes[i].name == NULL)
			expect(verdict == PROBE_NO);
		else
			expect(verdict == said[i].verdict && (verdict == PROBE_MORE || named == &probes[i]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct said said[ROWS];
	bool settled[ROWS] = { false };
	struct said now;

	if (length > SNIFF_MAX)
		length = SNIFF_MAX;
	memset(said, 0, sizeof said);
	for (size_t i = 0; probes[i].name != NULL; i++)
		said[i].verdict = PROBE_MORE;
	/* Byte by byte as far as verdicts are made, then in longer and longer steps, and the whole. */
	for (size_t n = 0;;) {
		uint8_t *copy = malloc(n);

		expect(copy != NULL || n == 0);
		if (n > 0)
			memcpy(copy, bytes, n);
		for (size_t i = 0; probes[i].name != NULL; i++) {
			expect(i < ROWS);
			/* What is settled is asked again at the end, for time's sake. */
			if (settled[i] && n < length)
				continue;
			settled[i] = said[i].verdict == PROBE_NO || said[i].complete;
			ask(&probes[i], span_of(copy, n), &now);
			compare(&said[i], &now, n);
			said[i] = now;
		}
		if (n <= 16 || n == length)
			expect_name(span_of(copy, n), said);
		free(copy);
		if (n == length)
			return 0;
		n += n < 64 ? 1 : 1 + n / 24;
		if (n > length)
			n = length;
	}
}
