#include "config.h"

#include "net/listener.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4096

/* Whether the Unix socket at ADDRESS is left over: it exists, but no process listens on it. */
static bool
is_stale(const struct address *address)
{
	struct stat st;
	bool stale;
	int fd;

	/* connect(2) gives the same error for a regular file, which must not be removed */
	if (lstat(address->un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, &address->sa, address->length) < 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int
bind_to(const struct address *address, bool v6only)
{
	static const int on = 1;
	int family = address->sa.sa_family, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	if (family == AF_INET || family == AF_INET6)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ v6only }, sizeof(int));
	if (family == AF_UNIX && address->un.sun_path[0] == '/' && is_stale(address))
		unlink(address->un.sun_path);
	if (bind(fd, &address->sa, address->length) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* Whether ADDRESS is 0.0.0.0 or [::]. */
static bool
is_wildcard(const struct address *address)
{
	if (address->sa.sa_family == AF_INET)
		return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return address->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
}

/* The listener for all addresses of the other family at the port of ADDRESS, which is for all of its own; else NULL. */
static struct listener *
same_port(struct listeners *listeners, const struct address *address)
{
	for (size_t i = 0; is_wildcard(address) && i < listeners->count; i++) {
		struct address a = { .length = sizeof a - offsetof(struct address, sa) };

		if (getsockname(listeners->each[i].fd, &a.sa, &a.length) == 0 && is_wildcard(&a) &&
		    a.sa.sa_family != address->sa.sa_family && address_port(&a) == address_port(address))
			return &listeners->each[i];
	}
	return NULL;
}

/* Have L, for all IPv6 addresses, not take IPv4 any more; that cannot be changed once it is bound, so bind it anew. */
static int
leave_ipv4(struct listener *l)
{
	struct address a = { .length = sizeof a - offsetof(struct address, sa) };
	int fd;

	if (getsockname(l->fd, &a.sa, &a.length) < 0)
		return -errno;
	close(l->fd);
	fd = bind_to(&a, true);
	l->fd = fd;
	return fd;
}

int
listener_add(struct listeners *listeners, const struct address *address)
{
	struct listener *other = same_port(listeners, address);
	int fd;

	/* the one for IPv6 takes IPv4 as well, unless the other is asked for, too */
	if (other != NULL && other->family == AF_INET6 && (fd = leave_ipv4(other)) < 0)
		return fd;
	fd = bind_to(address, other != NULL);
	if (fd < 0)
		return fd;
	listeners->each[listeners->count++] = (struct listener){ .fd = fd, .family = address->sa.sa_family };
	return 0;
}
