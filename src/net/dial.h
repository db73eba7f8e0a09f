/* Connect to a backend within a deadline. */
#ifndef USHER_DIAL_H
#define USHER_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

/* Long enough for every failure: a name has 253 characters at most. */
#define DIAL_FAILURE 384

/*
 * Connect to the first of COUNT endpoints that answers, trying them, and every address that a name stands for, in order.  One that
 * does not answer leaves the rest their share of the time until DEADLINE (clock.h). Returns the connected descriptor, close-on-exec
 * and blocking, with its address in *ret_peer, or -errno of the last attempt: -ETIMEDOUT at the deadline, -EHOSTUNREACH where a
 * name could not be resolved.  RET_FAILURE then says it in words, for the log: that of errno, or "cannot resolve NAME: " and the
 * reason.
 */
int dial(
    const struct endpoint *endpoints, size_t count, int64_t deadline, struct address *ret_peer, char ret_failure[DIAL_FAILURE]);

#endif
