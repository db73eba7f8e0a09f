#include "config.h"

#include "intake.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
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

/* How many descriptors the environment announces to us, from INTAKE_LISTEN_FD on, or -EINVAL. */
static int
announced(const char **ret_reason)
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
	if (n > INTAKE_LISTENERS) {
		*ret_reason = "more than 32 sockets were handed over";
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

static void
peer_from_environment(struct address *ret)
{
	if (!from_names("REMOTE_ADDR", "REMOTE_PORT", ret) && !from_names("TCPREMOTEIP", "TCPREMOTEPORT", ret) &&
	    !from_names("TCP6REMOTEIP", "TCP6REMOTEPORT", ret))
		from_names("REMOTE_HOST", "REMOTE_PORT", ret);
}

/* Whether FD is a stream socket that listens, or one that does not, and of which family.  Returns 1, 0 or -errno. */
static int
listens(int fd, sa_family_t *ret_family, const char **ret_reason)
{
	int value = 0;
	socklen_t size = sizeof value;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &size) < 0)
		return -errno;
	*ret_family = (sa_family_t)value;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) < 0)
		return -errno;
	*ret_reason = "the socket listens, it is not a connection";
	return value != 0;
}

/* Whether C->fd is a connected stream socket; fills in family and, where it tells, peer. */
static int
examine(struct connection *c, const char **ret_reason)
{
	int value = 0, r;
	socklen_t size = sizeof value;

	*ret_reason = "standard input is not a socket; usher is started by systemd, inetd, xinetd or tcpserver with a connection as its "
	    "standard input, or listens itself with --listen ADDRESS; see usher(8)";
	if (getsockopt(c->fd, SOL_SOCKET, SO_TYPE, &value, &size) < 0)
		return -errno;
	if (value != SOCK_STREAM) {
		*ret_reason = "the socket is not a stream socket; usher serves TCP, Unix stream and vsock connections, see usher(8)";
		return -EPROTOTYPE;
	}
	c->peer.length = sizeof c->peer - offsetof(struct address, sa);
	if (getpeername(c->fd, &c->peer.sa, &c->peer.length) == 0) {
		c->family = c->peer.sa.sa_family;
		address_unmap(&c->peer);
		return 0;
	}
	c->peer.length = 0;
	/* either it listens, or the client is gone already, which serving it finds out */
	r = listens(c->fd, &c->family, ret_reason);
	return r > 0 ? -ENOTCONN : r;
}

int
intake(struct connection *ret, const char **ret_reason)
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
	if (!address_is_ip(&c.peer))
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
		/* the names have colons between them; cutting them changes our environment, where nobody looks for them again */
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
