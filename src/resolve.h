/* Turn a backend's name into addresses within a deadline. */
#ifndef USHER_RESOLVE_H
#define USHER_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"

/* More addresses of one name are not tried. */
#define RESOLVE_MAX 16

/*
 * Look up HOST and SERVICE with getaddrinfo(3) until DEADLINE (clock.h).  That call knows no time limit of ours, so it is made in a
 * process of its own, which is ended when the time is up.
 * Returns how many addresses there are in RET, in getaddrinfo's order, or -EHOSTUNREACH (there is no such name), -ETIMEDOUT, or
 * -errno of the system.
 */
int resolve(const char *host, const char *service, int64_t deadline, struct address ret[RESOLVE_MAX]);

#endif
