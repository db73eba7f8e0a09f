#include "config.h"

#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/sniff.h"

static void
fail(const char *what)
{
	fprintf(stderr, "cannot read %s\n", what);
	exit(1);
}

/* "real/tls-curl.bin | tls sni=... | ..." */
static void
load(const char *folder, const char *line, struct sample *s)
{
	char path[512], file[128], protocol[24];
	FILE *f;

	if (sscanf(line, "%127[^ |] | %23[^ |]", file, protocol) != 2)
		fail(line);
	snprintf(path, sizeof path, "%s/%s", folder, file);
	snprintf(s->name, sizeof s->name, "%.60s", file);
	s->probe = probe_find(protocol);
	s->bytes = malloc(SNIFF_MAX);
	f = fopen(path, "r");
	if (f == NULL || s->bytes == NULL || s->probe == NULL)
		fail(path);
	s->length = fread(s->bytes, 1, SNIFF_MAX, f);
	fclose(f);
}

size_t
samples_load(struct sample samples[SAMPLES_MAX])
{
	static const char *const indexes[] = { "real/INDEX", "made/INDEX" };
	const char *srcdir = getenv("srcdir");
	char folder[256], path[300], line[2048];
	size_t count = 0;

	snprintf(folder, sizeof folder, "%s/tests/corpus", srcdir != NULL ? srcdir : ".");
	for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
		FILE *f;

		snprintf(path, sizeof path, "%s/%s", folder, indexes[i]);
		f = fopen(path, "r");
		if (f == NULL)
			fail(path);
		while (count < SAMPLES_MAX && fgets(line, sizeof line, f) != NULL)
			load(folder, line, &samples[count++]);
		fclose(f);
	}
	return count;
}

uint64_t
samples_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}
