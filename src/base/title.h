/* What ps(1) and systemctl(1) show a process as. */
#ifndef USHER_TITLE_H
#define USHER_TITLE_H

#include <stdbool.h>

/* Longer titles are cut. */
#define TITLE_SIZE 256

/* Begin with { 0 }.  shown: the kernel knows TEXT, from this process or the one that it was forked from. */
struct title {
	bool shown;
	char text[TITLE_SIZE];
};

/*
 * Show TEXT as this process's command line, cut to what fits.  The kernel reads it from T whenever it is asked, so T must stay, and
 * it must not share a page with initialised data, which the kernel does not look into.  Arguments and environment stay where they
 * are. Only the first one takes a system call; a child that sets the same T makes its own copy of it and needs none. Nothing
 * happens where the kernel cannot (one without CONFIG_CHECKPOINT_RESTORE).
 */
void title_set(struct title *t, const char *text);

/* The same with a FORMAT. */
void title_format(struct title *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
