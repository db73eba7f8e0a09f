/*
 * Feed a fuzz target with every file under $srcdir/tests/corpus (or its folder FOLDER, where that is defined), and with every short
 * beginning of it.  A target that finds something wrong aborts; the last comment then says in which file.
 */
#include "config.h"

#include <ftw.h>
#include <limits.h>
#include <stdint.h>

#include "../unit/tap.h"

#ifndef FOLDER
#define FOLDER ""
#endif

/* Beginnings up to this many bytes are tried as well. */
#define SHORT 256

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* nftw(3) has no argument for its caller. */
static unsigned files;

/* From a block of exactly that size, so that AddressSanitizer and valgrind see a read beyond it. */
static void
feed(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length);

	if (copy == NULL && length > 0)
		die("malloc failed");
	if (length > 0)
		memcpy(copy, bytes, length);
	LLVMFuzzerTestOneInput(copy, length);
	free(copy);
}

static int
replay(const char *path, const struct stat *st, int type, struct FTW *where)
{
	size_t length = (size_t)st->st_size;
	uint8_t *bytes;
	FILE *f;

	(void)where;
	if (type != FTW_F)
		return 0;
	printf("# %s\n", path);
	f = fopen(path, "r");
	bytes = malloc(length + 1);
	if (f == NULL || bytes == NULL || fread(bytes, 1, length + 1, f) != length)
		die("cannot read %s", path);
	fclose(f);
	for (size_t i = 0; i < length && i < SHORT; i++)
		feed(bytes, i);
	feed(bytes, length);
	free(bytes);
	files++;
	return 0;
}

int
main(void)
{
	const char *srcdir = getenv("srcdir");
	char corpus[PATH_MAX];

	snprintf(corpus, sizeof(corpus), "%s/tests/corpus/" FOLDER, srcdir != NULL ? srcdir : ".");
	if (nftw(corpus, replay, 8, FTW_PHYS) != 0)
		die("cannot walk %s", corpus);
	ok(files > 0, "%u files of %s", files, corpus);
	return done_testing();
}
