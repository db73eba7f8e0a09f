/* Open a listening socket at an address. */
#ifndef USHER_LISTENER_H
#define USHER_LISTENER_H

#include "net/intake.h"

/*
 * Open a listening socket at ADDRESS and add it to LISTENERS, where there must be room.  A Unix socket on which no process listens
 * any more is replaced.  [::]:PORT takes IPv4 as well, unless 0.0.0.0:PORT is added, too, before or after it.  Returns 0 or -errno.
 */
int listener_add(struct listeners *listeners, const struct address *address);

#endif
