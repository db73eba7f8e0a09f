#include "config.h"

#include "intake.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* A whole decimal number that is positive, or -1. */
static long
number(const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	return errno != 0 || end == text || *end != '\0' || value < 0 ? -1 : value;
}

/* The descriptor that the environment announces, 0 when it announces none to us, or -EINVAL. */
static int
announced(const char **ret_name, const char **ret_reason)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long n;

	if (pid == NULL || count == NULL)
		return 0;
	if ((n = number(pid)) < 0) {
		*ret_reason = "LISTEN_PID in the environment is not a number";
		return -EINVAL;
	}
	if (n != getpid())
		return 0;
	if ((n = number(count)) < 0) {
		*ret_reason = "LISTEN_FDS in the environment is not a number";
		return -EINVAL;
	}
	if (n > 1) {
		*ret_reason = "more than one socket was handed over; usher serves one connection (Accept=yes in the socket unit)";
		return -EINVAL;
	}
	if (n == 0)
		return 0;
	*ret_name = getenv("LISTEN_FDNAMES");
	return INTAKE_LISTEN_FD;
}

static bool
from_names(const char *host_name, const char *port_name, struct address *ret)
{
	const char *host = getenv(host_name), *port = getenv(port_name);

	if (host == NULL)
		return false;
	return address_from_text(host, port, ret) == 0 || address_from_text(host, NULL, ret) == 0;
}

static void
peer_from_environment(struct address *ret)
{
	if (!from_names("REMOTE_ADDR", "REMOTE_PORT", ret) && !from_names("TCPREMOTEIP", "TCPREMOTEPORT", ret) &&
	    !from_names("TCP6REMOTEIP", "TCP6REMOTEPORT", ret))
		from_names("REMOTE_HOST", "REMOTE_PORT", ret);
}

/* Whether FD is a connected stream socket; fills in family and, where it tells, peer. */
static int
examine(struct connection *c, const char **ret_reason)
{
	int value = 0, unconnected = 0;
	socklen_t size = sizeof value;

	*ret_reason = "standard input is not a socket; usher is started by systemd (Accept=yes), inetd, xinetd or tcpserver "
	    "with a connection as its standard input, see usher(8)";
	if (getsockopt(c->fd, SOL_SOCKET, SO_TYPE, &value, &size) < 0)
		return -errno;
	if (value != SOCK_STREAM) {
		*ret_reason = "the socket is not a stream socket; usher serves TCP, Unix stream and vsock connections, see usher(8)";
		return -EPROTOTYPE;
	}
	c->peer.length = sizeof c->peer - offsetof(struct address, sa);
	if (getpeername(c->fd, &c->peer.sa, &c->peer.length) < 0) {
		unconnected = errno;
		c->peer.length = 0;
	} else {
		c->family = c->peer.sa.sa_family;
		address_unmap(&c->peer);
	}
	if (unconnected == 0)
		return 0;
	size = sizeof value;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0) {
		*ret_reason = "the socket listens, it is not a connection; use Accept=yes in the socket unit or nowait in inetd.conf, "
		    "see usher(8)";
		return -ENOTCONN;
	}
	/* a client that is gone already: a connection all the same, and serving it finds out */
	size = sizeof value;
	if (getsockopt(c->fd, SOL_SOCKET, SO_DOMAIN, &value, &size) < 0)
		return -errno;
	c->family = (sa_family_t)value;
	return 0;
}

int
intake(struct connection *ret, const char **ret_reason)
{
	struct connection c = { 0 };
	int r;

	c.fd = announced(&c.name, ret_reason);
	if (c.fd < 0)
		return c.fd;
	r = examine(&c, ret_reason);
	if (r < 0)
		return r;
	if (!address_is_ip(&c.peer))
		peer_from_environment(&c.peer);
	*ret = c;
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
	if (c->local.length > 0)
		return &c->local;
	if (c->fd >= 0) {
		c->local.length = sizeof c->local - offsetof(struct address, sa);
		if (getsockname(c->fd, &c->local.sa, &c->local.length) < 0)
			c->local.length = 0;
		address_unmap(&c->local);
	}
	if (!address_is_ip(&c->local) && !from_names("TCPLOCALIP", "TCPLOCALPORT", &c->local))
		from_names("TCP6LOCALIP", "TCP6LOCALPORT", &c->local);
	return &c->local;
}
