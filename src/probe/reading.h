/* What a probe has read of the first bytes, apart from which protocol they are. */
#ifndef USHER_READING_H
#define USHER_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* How many kinds of attributes a probe may read. */
#define PROBE_ATTRIBUTES 6

/* How many attributes one reading holds.  The first value of each attribute has its place; further values share what is left. */
#define READING_ATTRIBUTES 32

/* One attribute that was read, e.g. sni.  VALUE points into the peeked bytes or into the reading's scratch space. */
struct attribute {
	const char *name;
	struct span value;
};

/*
 * What a probe said of the bytes so far.
 * want: while the verdict is PROBE_MORE, or the reading is not complete: with fewer bytes than this (counted from the first byte
 *     of the connection) neither verdict, attributes nor what is said of them can change.  0 means: the very next byte can matter.
 * complete: no attribute will be added by further bytes.  Meaningful with PROBE_YES only.  An attribute that was read keeps its
 *     value when more bytes come.
 * partial: the attributes could not all be read; what is missing is unknown, and stays so.  So an attribute that is not there may
 *     have been sent all the same, also where the reading is complete: reading_lacks() says so of one of them.
 * cut: where partial is only that values of one list found no place, that attribute's name; otherwise NULL.
 * scratch: room for values that are not in one piece in the input (a name split over TLS records).  It is as large as the
 *     input can be; owned by the caller; must live as long as the attributes are looked at.
 */
struct reading {
	size_t want;
	bool complete, partial;
	const char *cut;
	size_t count;
	struct attribute attribute[READING_ATTRIBUTES];
	uint8_t *scratch;
	size_t scratch_left;
};

/*
 * Whether NAME, or more values of it than R has, may have been sent or may still come.  Where it does not hold, what R has of NAME
 * is all that there is.
 */
bool reading_lacks(const struct reading *r, const char *name);

/* Used by parse functions: add an attribute.  A value that finds no place makes the reading partial. */
void reading_add(struct reading *r, const char *name, struct span value);

/* Used by parse functions: attributes that could not be read, or not as a server would read them. */
void reading_is_partial(struct reading *r);

/*
 * Used by parse functions: copy VALUE to the end of the scratch space.  Consecutive calls give adjacent bytes.  Returns where it
 * is, or NULL when there is no room.
 */
uint8_t *reading_keep(struct reading *r, struct span value);

#endif
