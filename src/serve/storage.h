/*
 * What a process writes to while it serves one connection, in one place.
 *
 * A page that is not written to costs nothing, and each page that a child of the listening parent writes to is copied for it.  So
 * what every connection needs comes first and fits into one page, and the large arrays come last.  Nothing of it is on the heap,
 * which would be more pages.
 */
#ifndef USHER_STORAGE_H
#define USHER_STORAGE_H

#include <stddef.h>

#include "base/title.h"
#include "net/intake.h"
#include "serve/session.h"

#define STORAGE_PAGE 4096

/* Zeroed and aligned to a page at the start. */
struct storage {
	struct connection connection;
	struct title title;
	struct session session;
};

_Static_assert(offsetof(struct storage, session.sniff.bytes) < STORAGE_PAGE, "all but the arrays is in the first page");

#endif
