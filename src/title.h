/* What ps(1) and systemctl(1) show a process as. */
#ifndef USHER_TITLE_H
#define USHER_TITLE_H

#include <stddef.h>

/* The memory that the kernel shows as the command line: LENGTH bytes at START; length 0: there is none to write to. */
struct title {
	char *start;
	size_t length;
};

/*
 * Make the memory of arguments and environment free for titles, by moving both; argv[] and environ point to the copies afterwards.
 * Call before anything keeps a pointer into them.  Where they are larger than 128 KiB *ret is empty.
 */
void title_open(int argc, char **argv, struct title *ret);

/* Show FORMAT as the command line, cut to what fits.  T may be NULL: nothing happens. */
void title_set(const struct title *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
