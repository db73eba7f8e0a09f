#include "config.h"

#include "net/transparent.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

/* linux/in6.h, which does not go together with the C library's header */
#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

/* Whether TO is an address of this machine: only to such a one can a socket be bound. */
static bool
is_near(const struct address *to)
{
	struct address own = *to;
	int fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return false;
	own.in.sin_port = 0;
	r = bind(fd, &own.sa, own.length);
	close(fd);
	return r == 0;
}

int
transparent_bind(int fd, const struct address *client, const struct address *to, bool own_port)
{
	static const int on = 1;
	const unsigned mark = is_near(to) ? TRANSPARENT_MARK_NEAR : TRANSPARENT_MARK_FAR;
	struct address from = *client;
	bool is_ipv4 = to->sa.sa_family == AF_INET;

	if (!address_is_ip(client) || client->sa.sa_family != to->sa.sa_family)
		return -EAFNOSUPPORT;
	if (setsockopt(fd, is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, is_ipv4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof on) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0)
		return -errno;
	/* the same client may have had a connection to this backend from this port a moment ago */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (own_port && bind(fd, &from.sa, from.length) == 0)
		return 0;
	if (own_port && errno != EADDRINUSE)
		return -errno;
	/* both families have the port in the same place */
	from.in.sin_port = 0;
	return bind(fd, &from.sa, from.length) < 0 ? -errno : 0;
}

const char *
transparent_hint(int error)
{
	switch (error) {
	case EPERM:
		return "transparent needs CAP_NET_ADMIN";
	case EAFNOSUPPORT:
		return "transparent: client and backend must both be IPv4 or both IPv6";
	case ETIMEDOUT:
		return "transparent: does usher-transparent.service run?";
	}
	return NULL;
}
