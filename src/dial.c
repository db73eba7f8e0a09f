#include "config.h"

#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "resolve.h"

/* Wait for a connect(2) that has begun.  Returns 0 or -errno. */
static int
await(int fd, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = 0, n;

	do
		n = poll(&p, 1, clock_left(deadline));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

/*
 * A Unix socket whose backlog is full does not become writable when there is room, it says EAGAIN; so ask again in a while.
 */
static int
connect_unix(int fd, const struct address *address, int64_t deadline)
{
	for (;;) {
		struct pollfd none = { .fd = -1 };

		if (connect(fd, &address->sa, address->length) == 0)
			return 0;
		if (errno != EAGAIN)
			return -errno;
		if (clock_left(deadline) == 0)
			return -ETIMEDOUT;
		poll(&none, 1, 10);
	}
}

/* Connect to one address.  Returns the descriptor, blocking, or -errno. */
static int
dial_address(const struct address *address, int64_t deadline)
{
	int fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	if (address->sa.sa_family == AF_UNIX) {
		r = connect_unix(fd, address, deadline);
	} else {
		r = connect(fd, &address->sa, address->length) < 0 ? -errno : 0;
		if (r == -EINPROGRESS || r == -EINTR)
			r = await(fd, deadline);
	}
	if (r == 0 && fcntl(fd, F_SETFL, O_RDWR) < 0)
		r = -errno;
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
	int64_t now = clock_ms();

	if (deadline == CLOCK_NEVER || left <= 1 || now >= deadline)
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
