#include "config.h"

#include "net/dial.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/resolve.h"

/*
 * Whether FD is connected to itself: to a port of this machine on which no process listens, and which the system has chosen for our
 * own side as well.  TCP allows that, and the client would talk to itself.
 */
static bool
is_self(int fd, const struct address *to)
{
	struct address own = { .length = sizeof own - offsetof(struct address, sa) };

	if (!address_is_ip(to) || getsockname(fd, &own.sa, &own.length) < 0 || address_port(&own) != address_port(to))
		return false;
	if (to->sa.sa_family == AF_INET)
		return own.in.sin_addr.s_addr == to->in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&own.in6.sin6_addr, &to->in6.sin6_addr);
}

/*
 * Connect to one address.  Returns the descriptor, blocking, or -errno.
 *
 * connect(2) waits itself, which takes three system calls less than waiting with poll(2).  SO_SNDTIMEO is its deadline, see
 * socket(7); vsock has one of its own.
 */
static int
dial_address(const struct address *address, int64_t deadline)
{
	bool is_vsock = address->sa.sa_family == AF_VSOCK;
	int fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	do {
		int left = clock_left(deadline);
		struct timeval limit = { left / 1000, left % 1000 * 1000 };

		/* no time at all would mean any time */
		if (left == 0)
			limit.tv_usec = 1;
		if (left >= 0)
			setsockopt(fd, is_vsock ? AF_VSOCK : SOL_SOCKET, is_vsock ? SO_VM_SOCKETS_CONNECT_TIMEOUT : SO_SNDTIMEO,
			    &limit, sizeof limit);
		r = connect(fd, &address->sa, address->length) < 0 ? -errno : 0;
	} while (r == -EINTR);
	/* out of time: TCP says the first, or the second after EINTR; a Unix socket whose backlog is full the last */
	if (r == -EINPROGRESS || r == -EALREADY || r == -EAGAIN)
		r = -ETIMEDOUT;
	if (r == 0 && is_self(fd, address))
		r = -ECONNREFUSED;
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* The share of the time until DEADLINE that the first of LEFT attempts may take, as a deadline of its own. */
static int64_t
share(int64_t deadline, size_t left)
{
	int64_t now;

	if (deadline == CLOCK_NEVER || left <= 1)
		return deadline;
	now = clock_ms();
	if (now >= deadline)
		return deadline;
	return now + (deadline - now) / (int64_t)left;
}

static int
dial_name(const struct endpoint *e, int64_t deadline, struct address *ret_peer, char ret_failure[DIAL_FAILURE])
{
	struct address addresses[RESOLVE_MAX];
	const char *reason;
	int count = resolve(e->host, e->service, RESOLVE_TO_CONNECT, deadline, addresses, &reason), r = count;

	if (count < 0)
		snprintf(ret_failure, DIAL_FAILURE, "cannot resolve %s: %s", e->host, reason);
	for (int i = 0; i < count; i++) {
		r = dial_address(&addresses[i], share(deadline, (size_t)(count - i)));
		if (r >= 0) {
			*ret_peer = addresses[i];
			break;
		}
	}
	return r;
}

int
dial(const struct endpoint *endpoints, size_t count, int64_t deadline, struct address *ret_peer, char ret_failure[DIAL_FAILURE])
{
	int r = -EHOSTUNREACH;

	for (size_t i = 0; i < count; i++) {
		const struct endpoint *e = &endpoints[i];
		int64_t until = share(deadline, count - i);

		ret_failure[0] = '\0';
		if (e->address.length > 0) {
			r = dial_address(&e->address, until);
			if (r >= 0)
				*ret_peer = e->address;
		} else
			r = dial_name(e, until, ret_peer, ret_failure);
		if (r >= 0)
			return r;
		if (ret_failure[0] == '\0')
			snprintf(ret_failure, DIAL_FAILURE, "%s", strerror(-r));
	}
	return r;
}
