/* Shell patterns, for attributes. */
#ifndef USHER_GLOB_H
#define USHER_GLOB_H

#include <stdbool.h>

#include "base/span.h"
#include "probe/probe.h"

/*
 * Whether GLOB matches VALUE: `*' any bytes, `?' one byte.  The case of letters counts for ATTRIBUTE_TEXT alone.  For
 * ATTRIBUTE_HOST one trailing dot of VALUE is ignored, and `*' matches at least one byte; so *.example.org matches
 * a.b.example.org and not example.org.
 */
bool glob_matches(const char *glob, struct span value, enum attribute_type type);

#endif
