/* Accept connections and have them served, within the limits. */
#ifndef USHER_ACCEPT_H
#define USHER_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "listen/parent.h"
#include "net/intake.h"

/* Whether connections are to be accepted at NOW (clock.h). */
bool accept_is_open(const struct parent *p, int64_t now);

/*
 * Accept a connection that waits at L and have it served in a process of its own, or refuse it.
 * Returns false when the listener is broken.
 */
bool accept_one(struct parent *p, const struct listener *l);

#endif
