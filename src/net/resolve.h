/* Turn a name into addresses within a deadline. */
#ifndef USHER_RESOLVE_H
#define USHER_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

/* More addresses of one name are not tried. */
#define RESOLVE_MAX 16

/*
 * What the addresses are for: to connect to, and then families that this machine has no address of are left out; or to listen on,
 * where loopback is an address, too.
 */
enum resolve_use { RESOLVE_TO_CONNECT, RESOLVE_TO_LISTEN };

/*
 * Look up HOST and SERVICE with getaddrinfo(3) until DEADLINE (clock.h); with SERVICE NULL the SRV records of HOST, and what those
 * name, in their order (srv.h).  These calls know no time limit of ours, so they are made in a process of its own, which is ended
 * when the time is up.  That process ends with this one, too, and holds none of its descriptors (before Linux 5.9: not its standard
 * ones).
 *
 * Returns how many addresses there are in RET, in getaddrinfo's order, or, with a static sentence in *ret_reason, -EHOSTUNREACH
 * (what getaddrinfo says: there is no such name, no server answers), -ETIMEDOUT, or -errno of the system.
 */
int resolve(const char *host, const char *service, enum resolve_use use, int64_t deadline, struct address ret[RESOLVE_MAX],
    const char **ret_reason);

#endif
