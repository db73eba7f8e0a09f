/*
 * Which sockets this process was given, and who the client is.
 *
 * In this order: the descriptors that LISTEN_PID and LISTEN_FDS announce (sd_listen_fds(3)), else standard input, as inetd,
 * xinetd, tcpserver and systemd's StandardInput=socket do.
 */
#ifndef USHER_INTAKE_H
#define USHER_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "net/address.h"

/* Where LISTEN_FDS begins; SD_LISTEN_FDS_START of sd-daemon.h. */
#define INTAKE_LISTEN_FD 3

/*
 * fd: a connected stream socket.  family: AF_INET, AF_INET6, AF_UNIX or AF_VSOCK.
 * peer: the client: from getpeername(2), or, where that does not say (a Unix socket, a client that has gone), from REMOTE_ADDR
 *     and REMOTE_PORT (systemd, stunnel: REMOTE_HOST) or TCPREMOTEIP and TCPREMOTEPORT (UCSPI).
 * local: our side, filled in by intake_local().
 * via: length 0, or the proxy that the socket is connected to, where a PROXY protocol header has named peer and local.
 * local_error: 0, or what intake_local() failed with.
 * name: the descriptor's name from LISTEN_FDNAMES, or NULL.
 */
struct connection {
	int fd;
	sa_family_t family;
	int local_error;
	struct address peer;
	struct address local;
	struct address via;
	const char *name;
};

/* Whom to believe where socket and environment name different clients; see usher.conf(5). */
enum client_address { CLIENT_FROM_AUTO, CLIENT_FROM_SOCKET, CLIENT_FROM_ENVIRONMENT };

/* The descriptor that intake() will look at, before anything is known of it. */
int intake_descriptor(void);

/*
 * Find the connection that this process was started for. FROM: whether the environment is believed where the socket names a client
 * as well; with CLIENT_FROM_AUTO where that is of this machine and no more than REMOTE_HOST names another, as with stunnel.  Where
 * the socket names none, it always is. Returns 0 or -errno: -ENOTSOCK (a terminal, a pipe, a file), -EPROTOTYPE (not a stream),
 * -ENOTCONN (a listening socket: see intake_listeners()), -EBADF, -EINVAL (LISTEN_FDS or LISTEN_PID is no number, or several
 * connections were handed over), with a static sentence in *ret_reason of how usher is meant to be started; others, with
 * *ret_reason NULL, are from the system.
 */
int intake(struct connection *ret, enum client_address from, const char **ret_reason);

/* More listening sockets than any sensible unit has. */
#define INTAKE_LISTENERS 32

/* Sockets to accept connections from.  name: that of LISTEN_FDNAMES, or NULL. */
struct listeners {
	size_t count;
	struct listener {
		int fd;
		sa_family_t family;
		const char *name;
	} each[INTAKE_LISTENERS];
};

/*
 * The listening sockets that this process was started for, after intake() said -ENOTCONN.
 * Returns 0 or -errno, as intake().
 */
int intake_listeners(struct listeners *ret, const char **ret_reason);

/* Peer and local address from the environment alone, for --explain.  The descriptor is -1. */
void intake_environment(struct connection *ret);

/*
 * Fill in c->local on first use: getsockname(2), or, where that tells no IP address, TCPLOCALIP and TCPLOCALPORT.  Returns
 * &c->local. When the system fails, c->local_error is -errno, whatever the environment says: nothing that was decided by c->local
 * counts then.
 */
const struct address *intake_local(struct connection *c);

#endif
