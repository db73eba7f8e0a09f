/* Connect from the client's own address, so that a backend sees the client and not this machine. */
#ifndef USHER_TRANSPARENT_H
#define USHER_TRANSPARENT_H

#include <stdbool.h>

#include "net/address.h"

/*
 * The marks of such connections, by which usher-transparent.service leads what the backend answers to our socket: of one to this
 * machine ("ushr"), whose own end takes the mark over, and of one to another machine, which must find its way out.
 */
#define TRANSPARENT_MARK_NEAR 0x75736872
#define TRANSPARENT_MARK_FAR 0x75736873

/*
 * Give FD, a TCP socket of the family of TO that is not bound yet, the address of CLIENT, and with OWN_PORT its port, unless that
 * is in use (by a client on this machine); else another one.  Takes CAP_NET_ADMIN: IP_TRANSPARENT in ip(7), SO_MARK in socket(7).
 * Returns 0 or -errno: -EPERM without the capability; -EAFNOSUPPORT where CLIENT and TO are not both IPv4 or both IPv6.
 */
int transparent_bind(int fd, const struct address *client, const struct address *to, bool own_port);

/* What is to be checked where connecting after that fails with ERROR, an errno; NULL: nothing. */
const char *transparent_hint(int error);

#endif
