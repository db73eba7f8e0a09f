#include "config.h"

#include "net/intake.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"

/* How many descriptors the environment announces to us, from INTAKE_LISTEN_FD on, or -EINVAL. */
static int
announced(const char **ret_reason)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t n;
	int r;

	if (pid == NULL || count == NULL)
		return 0;
	if (number_parse(pid, INT_MAX, &n) < 0) {
		*ret_reason = "LISTEN_PID in the environment is not a process id";
		return -EINVAL;
	}
	if ((pid_t)n != getpid())
		return 0;
	r = number_parse(count, INTAKE_LISTENERS, &n);
	if (r < 0) {
		*ret_reason =
		    r == -ERANGE ? "more than 32 sockets were handed over" : "LISTEN_FDS in the environment is not a number";
		return -EINVAL;
	}
	return (int)n;
}

static bool
from_names(const char *host_name, const char *port_name, struct address *ret)
{
	const char *host = getenv(host_name), *port = getenv(port_name);

	if (host == NULL)
		return false;
	return address_from_text(host, port, ret) == 0 || address_from_text(host, NULL, ret) == 0;
}

int
intake_descriptor(void)
{
	const char *reason;

	return announced(&reason) > 0 ? INTAKE_LISTEN_FD : STDIN_FILENO;
}

static void
peer_from_environment(struct address *ret)
{
	if (!from_names("REMOTE_ADDR", "REMOTE_PORT", ret) && !from_names("TCPREMOTEIP", "TCPREMOTEPORT", ret) &&
	    !from_names("TCP6REMOTEIP", "TCP6REMOTEPORT", ret))
		from_names("REMOTE_HOST", "REMOTE_PORT", ret);
}

/* getsockopt(2) for a number.  Returns 0, or -errno with REASON, or NULL for an error of the system, in *ret_reason. */
static int
ask(int fd, int option, int *ret, const char *reason, const char **ret_reason)
{
	socklen_t size = sizeof *ret;

	if (getsockopt(fd, SOL_SOCKET, option, ret, &size) == 0)
		return 0;
	*ret_reason = errno == ENOTSOCK || errno == EBADF ? reason : NULL;
	return -errno;
}

/* Whether FD is a stream socket that listens, or one that does not, and of which family.  Returns 1, 0 or -errno. */
static int
listens(int fd, sa_family_t *ret_family, const char **ret_reason)
{
	static const char reason[] = "one of the descriptors that were handed over is not a socket";
	int family, value = 0, r = ask(fd, SO_DOMAIN, &family, reason, ret_reason);

	if (r == 0)
		r = ask(fd, SO_ACCEPTCONN, &value, reason, ret_reason);
	if (r < 0)
		return r;
	*ret_family = (sa_family_t)family;
	return value != 0;
}

/* Whether C->fd is a connected stream socket; fills in family and, where it is known, peer. */
static int
examine(struct connection *c, const char **ret_reason)
{
	int value = 0, r;

	r = ask(c->fd, SO_TYPE, &value,
	    "standard input is not a socket; usher is started by systemd, inetd, xinetd or tcpserver with a "
	    "connection as its standard input, or listens itself with --listen ADDRESS; see usher(8)",
	    ret_reason);
	if (r < 0)
		return r;
	if (value != SOCK_STREAM) {
		*ret_reason =
		    "the socket is not a stream socket; usher serves TCP, Unix stream and vsock connections, see usher(8)";
		return -EPROTOTYPE;
	}
	c->peer.length = sizeof c->peer - offsetof(struct address, sa);
	if (getpeername(c->fd, &c->peer.sa, &c->peer.length) == 0) {
		c->family = c->peer.sa.sa_family;
		address_unmap(&c->peer);
		return 0;
	}
	c->peer.length = 0;
	/* a client that we could not ask for is not one that has gone: a rule that denies by its address would let it pass */
	if (errno != ENOTCONN) {
		*ret_reason = NULL;
		return -errno;
	}
	/* either it listens, or the client is gone already, which serving it finds out */
	r = listens(c->fd, &c->family, ret_reason);
	*ret_reason = r < 0 ? *ret_reason : "the socket listens, it is not a connection";
	return r > 0 ? -ENOTCONN : r;
}

/* Whether ADDRESS belongs to this machine alone, so that a client that connects from it may be a proxy. */
static bool
is_loopback(const struct address *address)
{
	if (address->length > 0 && address->sa.sa_family == AF_INET)
		return ntohl(address->in.sin_addr.s_addr) >> 24 == 127;
	return address->length > 0 && address->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
}

/*
 * Whether to take the client from the environment.  A proxy on this machine that hands over a connection of its own, as stunnel
 * does, names the client in REMOTE_HOST alone; tcpserver and systemd, which accept the client's, set another name, and xinetd says
 * in REMOTE_HOST what the socket says.
 */
static bool
believes_environment(enum client_address from, const struct address *peer)
{
	if (!address_is_ip(peer) || from == CLIENT_FROM_ENVIRONMENT)
		return true;
	return from == CLIENT_FROM_AUTO && is_loopback(peer) && getenv("TCPREMOTEIP") == NULL && getenv("TCP6REMOTEIP") == NULL &&
	    getenv("REMOTE_ADDR") == NULL;
}

int
intake(struct connection *ret, enum client_address from, const char **ret_reason)
{
	int count = announced(ret_reason), r;
	struct connection c = { .fd = count > 0 ? INTAKE_LISTEN_FD : STDIN_FILENO };

	if (count < 0)
		return count;
	r = examine(&c, ret_reason);
	if (r < 0)
		return r;
	if (count > 1) {
		*ret_reason = "more than one connection was handed over; usher serves one";
		return -EINVAL;
	}
	c.name = count > 0 ? getenv("LISTEN_FDNAMES") : NULL;
	if (believes_environment(from, &c.peer))
		peer_from_environment(&c.peer);
	*ret = c;
	return 0;
}

int
intake_listeners(struct listeners *ret, const char **ret_reason)
{
	int count = announced(ret_reason);
	char *names = count > 0 ? getenv("LISTEN_FDNAMES") : NULL;

	ret->count = 0;
	for (int i = 0; i < (count > 0 ? count : 1); i++) {
		struct listener *l = &ret->each[i];
		int r;

		l->fd = count > 0 ? INTAKE_LISTEN_FD + i : STDIN_FILENO;
		/* the names have colons between them; cutting them changes our environment, which is not read again */
		l->name = names != NULL ? strsep(&names, ":") : NULL;
		r = listens(l->fd, &l->family, ret_reason);
		if (r < 0)
			return r;
		if (r == 0) {
			*ret_reason = "one of the sockets that were handed over does not listen";
			return -EINVAL;
		}
		ret->count++;
	}
	return 0;
}

void
intake_environment(struct connection *ret)
{
	*ret = (struct connection){ .fd = -1 };
	peer_from_environment(&ret->peer);
}

const struct address *
intake_local(struct connection *c)
{
	if (c->local.length > 0 || c->local_error != 0)
		return &c->local;
	if (c->fd >= 0) {
		c->local.length = sizeof c->local - offsetof(struct address, sa);
		if (getsockname(c->fd, &c->local.sa, &c->local.length) < 0) {
			c->local.length = 0;
			c->local_error = -errno;
			return &c->local;
		}
		address_unmap(&c->local);
	}
	if (!address_is_ip(&c->local) && !from_names("TCPLOCALIP", "TCPLOCALPORT", &c->local))
		from_names("TCP6LOCALIP", "TCP6LOCALPORT", &c->local);
	return &c->local;
}
