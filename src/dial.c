#include "config.h"

#include "dial.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "resolve.h"

/*
 * Connect to one address.  Returns the descriptor, blocking, or -errno.
 *
 * connect(2) waits itself, which takes three system calls less than waiting with poll(2).  SO_SNDTIMEO is its deadline, see socket(7);
 * vsock has one of its own.
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
dial_name(const struct endpoint *e, int64_t deadline, struct address *ret_peer)
{
	struct address addresses[RESOLVE_MAX];
	int count = resolve(e->host, e->service, deadline, addresses), r = count;

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
dial(const struct endpoint *endpoints, size_t count, int64_t deadline, struct address *ret_peer)
{
	int r = -EHOSTUNREACH;

	for (size_t i = 0; i < count; i++) {
		const struct endpoint *e = &endpoints[i];
		int64_t until = share(deadline, count - i);

		if (e->address.length > 0) {
			r = dial_address(&e->address, until);
			if (r >= 0)
				*ret_peer = e->address;
		} else
			r = dial_name(e, until, ret_peer);
		if (r >= 0)
			break;
	}
	return r;
}
