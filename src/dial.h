/* Connect to a backend within a deadline. */
#ifndef USHER_DIAL_H
#define USHER_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"

/*
 * Connect to the first of COUNT endpoints that answers, trying them, and every address that a name stands for, in order.  One that
 * does not answer leaves the rest their share of the time until DEADLINE (clock.h).
 * Returns the connected descriptor, close-on-exec and blocking, with its address in *ret_peer, or -errno of the last attempt:
 * -ETIMEDOUT at the deadline, -EHOSTUNREACH where a name could not be resolved.
 */
int dial(const struct endpoint *endpoints, size_t count, int64_t deadline, struct address *ret_peer);

#endif
