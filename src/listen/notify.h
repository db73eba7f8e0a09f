/* Tell the service manager about us: the protocol of sd_notify(3), a datagram to NOTIFY_SOCKET. */
#ifndef USHER_NOTIFY_H
#define USHER_NOTIFY_H

#include "net/address.h"

/* Where to send.  fd -1: nowhere. */
struct notify {
	int fd;
	struct address to;
};

/* Look at NOTIFY_SOCKET.  Without it, or where no socket can be had, n->fd is -1 and nothing will be sent. */
void notify_open(struct notify *n);

/* Send STATE, lines of NAME=VALUE.  A manager that does not listen is no reason to stop serving, so nothing is returned. */
void notify_send(const struct notify *n, const char *state);

/*
 * How often WATCHDOG=1 is due, in milliseconds: half of WATCHDOG_USEC, and a day at the most, where WATCHDOG_PID is us or not set.
 * 0: never, which is also what values mean that are no numbers.
 */
int notify_watchdog_ms(void);

#endif
