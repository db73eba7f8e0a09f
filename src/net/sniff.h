/*
 * Look at the first bytes of a connection without taking them.
 *
 * The socket is left as it was found: bytes unread, blocking mode as it was, options that waiting needs put back by
 * sniff_end().  Waiting for more than has arrived never spins: TCP and vsock wait in poll(2) with SO_RCVLOWAT, Unix sockets in
 * recv(2) with SO_PEEK_OFF and SO_RCVTIMEO, for poll(2) would find the bytes that are already there again and again.
 */
#ifndef USHER_SNIFF_H
#define USHER_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

/* No rule can look further into a connection than this, in bytes. */
#define SNIFF_MAX 65536

/*
 * fd: the connection; not owned.  have: how many of BYTES have arrived.  ended: no more will come, because the peer has finished
 * sending.  blocked: no more can be seen, because TCP shows what is behind an urgent byte only after what is before it was read.
 * The rest is private.
 */
struct sniff {
	int fd;
	sa_family_t family;
	size_t have;
	bool ended, blocked;
	int lowat;		/* value to put back, 0: never changed */
	bool offset;		/* SO_PEEK_OFF and SO_RCVTIMEO are in use */
	struct timeval limit;	/* SO_RCVTIMEO to put back */
	uint8_t bytes[SNIFF_MAX];
};

/*
 * Begin with a connected stream socket FD of FAMILY.  Urgent bytes are looked at in their place, which is SO_OOBINLINE; who looked
 * past them would see another beginning than the backend.
 */
void sniff_begin(struct sniff *s, int fd, sa_family_t family);

/*
 * See what is there now, without waiting; most clients have spoken by the time that we run, and then this is the only system call.
 * Returns 0, or -errno of the connection.
 */
int sniff_now(struct sniff *s);

/*
 * Wait until at least WANT bytes are there (cut to SNIFF_MAX, raised to one more than s->have), until the peer has finished
 * sending, or until DEADLINE (clock.h).  May return with fewer bytes than WANT, but more than before. Returns 0 when have, ended or
 * blocked changed, -ETIMEDOUT at the deadline, -EINTR when SIGTERM came (stop.h), or -errno of the connection, e.g. -ECONNRESET.
 */
int sniff_wait(struct sniff *s, size_t want, int64_t deadline);

/*
 * Take the first N bytes of those that have arrived off the connection; what is behind them is at the beginning then.  Returns 0 or
 * -errno of the connection.
 */
int sniff_consume(struct sniff *s, size_t n);

/* Put back every socket option that was changed; SO_OOBINLINE stays for a relay, FOR_RELAY, which wants it as well. */
void sniff_end(struct sniff *s, bool for_relay);

#endif
