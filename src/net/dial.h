/* Connect to a backend within a deadline. */
#ifndef USHER_DIAL_H
#define USHER_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/balance.h"

/* Long enough for every single failure: a name has 253 characters at most.  Of many the first are told. */
#define DIAL_FAILURE 512

/*
 * deadline: see clock.h.  stagger_ms: how long an address has before the next one is tried beside it (RFC 8305, Happy Eyeballs);
 * 0: it has its share of the time until the deadline, and then it is given up.  retry_ms: for so long, but not beyond the deadline,
 * try all again where the last is not there yet (ECONNREFUSED, ENOENT); 0: do not.  A Unix socket that is busy is waited for in any
 * case.  balance, client: the order.  transparent: from the address of client, see transparent.h.
 * source: NULL, or the address to connect from (family 0: any); mark, dscp: see socket(7), SO_MARK, and ip(7), IP_TOS; 0: none.
 * fast_open: see tcp(7), TCP_FASTOPEN_CONNECT; where it cannot be had it is left out.
 */
struct dial_options {
	int64_t deadline;
	int stagger_ms;
	int retry_ms;
	enum balance balance;
	const struct address *client;
	bool transparent;
	const struct cidr *source;
	int mark, dscp;
	bool fast_open;
};

/*
 * Connect to one of COUNT endpoints, the first that answers of them and of all addresses that names among them stand for.  Returns
 * the connected descriptor, close-on-exec and blocking, with its address in *ret_peer, or -errno of the last that failed:
 * -ETIMEDOUT at the deadline, -EHOSTUNREACH where a name could not be resolved; *ret_peer is undefined then.
 *
 * RET_FAILURE says, also on success, which failed and how, for the log: "127.0.0.1:22: Connection refused; cannot resolve NAME:
 * ..."; empty: none has.
 */
int dial(const struct endpoint *endpoints, size_t count, const struct dial_options *options, struct address *ret_peer,
    char ret_failure[DIAL_FAILURE]);

#endif
