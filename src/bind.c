#include "config.h"

#include "bind.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4096

/* Whether the Unix socket at ADDRESS is a left-over: it is there, and nobody listens. */
static bool
is_stale(const struct address *address)
{
	struct stat st;
	bool stale;
	int fd;

	/* connect(2) refuses what is no socket, a file that somebody needs, in the same words */
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
bind_to(const struct address *address)
{
	static const int on = 1, off = 0;
	int family = address->sa.sa_family, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	if (family == AF_INET || family == AF_INET6)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	if (family == AF_UNIX && address->un.sun_path[0] == '/' && is_stale(address))
		unlink(address->un.sun_path);
	if (bind(fd, &address->sa, address->length) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int
parse(const char *prefix, const char *text, struct address *ret, const char **ret_reason)
{
	char copy[ADDRESS_TEXT];
	struct endpoint e;
	size_t length;
	bool any_port;

	*ret_reason = "expected ADDRESS:PORT, [IPV6]:PORT, PORT, unix:/PATH, unix:@NAME or vsock:CID:PORT";
	length = (size_t)snprintf(copy, sizeof copy, "%s%s", prefix, text);
	if (length >= sizeof copy)
		return -EINVAL;
	/* 0 lets the system choose a port; an endpoint cannot be that */
	any_port = length > 2 && strcmp(copy + length - 2, ":0") == 0 && strncmp(copy, "unix:", 5) != 0;
	if (any_port)
		copy[length - 1] = '1';
	if (endpoint_parse(copy, &e, ret_reason) < 0)
		return -EINVAL;
	if (e.address.length == 0) {
		*ret_reason = "a name is no address to listen on; expected a number";
		return -EINVAL;
	}
	if (any_port && e.address.sa.sa_family == AF_INET)
		e.address.in.sin_port = 0;
	else if (any_port && e.address.sa.sa_family == AF_INET6)
		e.address.in6.sin6_port = 0;
	else if (any_port) {
		*ret_reason = "expected a port";
		return -EINVAL;
	}
	*ret = e.address;
	return 0;
}

static bool
is_bare_port(const char *text)
{
	return isdigit((unsigned char)text[0]) && strpbrk(text, ":.") == NULL;
}

int
bind_parse(const char *text, struct address *ret, const char **ret_reason)
{
	return parse(is_bare_port(text) ? "[::]:" : "", text, ret, ret_reason);
}

int
bind_add(struct listeners *listeners, const char *text, const char **ret_reason)
{
	struct address a;
	int fd;

	if (listeners->count == INTAKE_LISTENERS) {
		*ret_reason = "no more than 32 sockets";
		return -EINVAL;
	}
	if (bind_parse(text, &a, ret_reason) < 0)
		return -EINVAL;
	fd = bind_to(&a);
	/* a kernel without IPv6 */
	if (fd == -EAFNOSUPPORT && is_bare_port(text) && parse("0.0.0.0:", text, &a, ret_reason) == 0)
		fd = bind_to(&a);
	if (fd < 0) {
		*ret_reason = NULL;
		return fd;
	}
	listeners->each[listeners->count++] = (struct listener){ .fd = fd, .family = a.sa.sa_family };
	return 0;
}
