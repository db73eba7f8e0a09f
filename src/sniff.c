#include "config.h"

#include "sniff.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "clock.h"

/* How long to pause where nothing else can wait for more bytes than there are: an old kernel's vsock. */
#define NAP_MS 10

void
sniff_begin(struct sniff *s, int fd, sa_family_t family)
{
	/* field by field: bytes is large, and pages of it that nobody needs should not be touched */
	s->fd = fd;
	s->family = family;
	s->have = 0;
	s->ended = false;
	s->lowat = 0;
	s->offset = false;
}

/* Peek at what there is.  Returns the number of bytes, 0 at the end of file, -EAGAIN when there are none, or -errno. */
static ssize_t
peek(struct sniff *s, size_t from, int flags)
{
	ssize_t n;

	do
		n = recv(s->fd, s->bytes + from, SNIFF_MAX - from, MSG_PEEK | flags);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Take note of a peek that began at FROM.  Returns whether it told anything new. */
static bool
note(struct sniff *s, size_t from, ssize_t n)
{
	if (n == 0) {
		s->ended = true;
		return true;
	}
	if (from + (size_t)n <= s->have)
		return false;
	s->have = from + (size_t)n;
	return true;
}

/*
 * A Unix socket: poll(2) knows no SO_RCVLOWAT there, but a peek can begin behind what was seen, and then blocks by itself.
 */
static int
wait_unix(struct sniff *s, int64_t deadline)
{
	int left = clock_left(deadline), flags, offset = (int)s->have;
	struct timeval limit = { 0 };
	socklen_t size = sizeof s->limit;
	ssize_t n;

	if (left == 0)
		left = 1;
	if (left > 0)
		limit = (struct timeval){ left / 1000, left % 1000 * 1000 };
	if (!s->offset && getsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &s->limit, &size) < 0)
		return -errno;
	s->offset = true;
	if (setsockopt(s->fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
		return -errno;
	/* whoever gave us the socket may have made it non-blocking, and then recv would not wait */
	flags = fcntl(s->fd, F_GETFL);
	if (flags >= 0 && flags & O_NONBLOCK)
		fcntl(s->fd, F_SETFL, flags & ~O_NONBLOCK);
	n = peek(s, s->have, 0);
	if (flags >= 0 && flags & O_NONBLOCK)
		fcntl(s->fd, F_SETFL, flags);
	if (n == -EAGAIN)
		return -ETIMEDOUT;
	if (n < 0)
		return (int)n;
	note(s, s->have, n);
	return 0;
}

/* Have poll(2) sleep until there are WANT bytes; the value to put back is kept. */
static void
set_lowat(struct sniff *s, size_t want)
{
	int value = (int)want;
	socklen_t size = sizeof s->lowat;

	if (s->lowat == 0 && getsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &s->lowat, &size) < 0)
		return;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value);
}

/* Why a connection failed. */
static int
socket_error(int fd)
{
	int error = 0;
	socklen_t size = sizeof error;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error == 0)
		error = ECONNRESET;
	return -error;
}

static int
wait_poll(struct sniff *s, size_t want, int64_t deadline)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN | POLLRDHUP };
	bool news = false;

	if (want > 1)
		set_lowat(s, want);
	while (!news) {
		int r = poll(&p, 1, clock_left(deadline));
		ssize_t n;

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0) {
			/* fewer than were wanted, but more than before: SO_RCVLOWAT kept quiet about them */
			n = peek(s, 0, MSG_DONTWAIT);
			return n > 0 && note(s, 0, n) ? 0 : -ETIMEDOUT;
		}
		if (r < 0)
			continue;
		if (p.revents & POLLERR)
			return socket_error(s->fd);
		n = peek(s, 0, MSG_DONTWAIT);
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		news = n >= 0 && note(s, 0, n);
		if (p.revents & (POLLRDHUP | POLLHUP)) {
			/* the end comes behind all bytes, and all that there are were just seen */
			news = s->ended = true;
		} else if (!news) {
			struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };

			if (clock_left(deadline) == 0)
				return -ETIMEDOUT;
			nanosleep(&nap, NULL);
		}
	}
	return 0;
}

int
sniff_now(struct sniff *s)
{
	ssize_t n = peek(s, 0, MSG_DONTWAIT);

	if (n >= 0)
		note(s, 0, n);
	else if (n != -EAGAIN)
		return (int)n;
	return 0;
}

int
sniff_wait(struct sniff *s, size_t want, int64_t deadline)
{
	if (s->ended)
		return 0;
	if (s->have == SNIFF_MAX)
		return -ETIMEDOUT;
	if (want <= s->have)
		want = s->have + 1;
	if (want > SNIFF_MAX)
		want = SNIFF_MAX;
	if (s->have == 0)
		return wait_poll(s, 1, deadline);
	return s->family == AF_UNIX ? wait_unix(s, deadline) : wait_poll(s, want, deadline);
}

void
sniff_end(struct sniff *s)
{
	static const int no_offset = -1;

	if (s->lowat > 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &s->lowat, sizeof s->lowat);
	if (s->offset) {
		setsockopt(s->fd, SOL_SOCKET, SO_PEEK_OFF, &no_offset, sizeof no_offset);
		setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &s->limit, sizeof s->limit);
	}
	s->lowat = 0;
	s->offset = false;
}
