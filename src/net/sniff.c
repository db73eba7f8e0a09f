#include "config.h"

#include "net/sniff.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/stop.h"

/* How long to pause where nothing else can wait for more bytes than there are: an old kernel's vsock. */
#define NAP_MS 10
/* How long a peek at a Unix socket may sleep. */
#define LOOK_MS 250

void
sniff_begin(struct sniff *s, int fd, sa_family_t family)
{
	static const int on = 1;

	/* field by field: bytes is large, and pages of it that are not needed should not be touched */
	s->fd = fd;
	s->family = family;
	s->have = 0;
	s->ended = s->blocked = false;
	s->lowat = 0;
	s->offset = false;
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
}

/* An errno of the connection; -ETIMEDOUT means that the deadline has come, not that the peer does not answer any more. */
static int
broken(int error)
{
	return error == ETIMEDOUT ? ECONNRESET : error;
}

/* Peek at what there is.  Returns the number of bytes, 0 at the end of file, -EAGAIN when there are none, or -errno. */
static ssize_t
peek(struct sniff *s, size_t from, int flags)
{
	ssize_t n;

	do
		n = recv(s->fd, s->bytes + from, SNIFF_MAX - from, MSG_PEEK | flags);
	while (n < 0 && errno == EINTR && !stop_wanted());
	return n < 0 ? -broken(errno) : n;
}

/* Take note of a peek that began at FROM.  Returns whether there was anything new. */
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
 * A Unix socket: poll(2) knows no SO_RCVLOWAT there, but a peek can begin behind what was seen, and then blocks by itself.  For
 * LOOK_MS at
 * the most: Linux does not always wake it for an urgent byte.  Returns as sniff_wait(), but -EAGAIN when it is worth another look.
 */
static int
look_unix(struct sniff *s, int64_t deadline)
{
	int left = clock_left(deadline), flags, offset = (int)s->have;
	struct timeval limit;
	socklen_t size = sizeof s->limit;
	ssize_t n;

	if (left < 0 || left > LOOK_MS)
		left = LOOK_MS;
	if (left == 0)
		left = 1;
	limit = (struct timeval){ left / 1000, left % 1000 * 1000 };
	if (!s->offset && getsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &s->limit, &size) < 0)
		return -errno;
	s->offset = true;
	if (setsockopt(s->fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
		return -errno;
	/* the socket may have been given to us non-blocking, and then recv would not wait */
	flags = fcntl(s->fd, F_GETFL);
	if (flags >= 0 && flags & O_NONBLOCK)
		fcntl(s->fd, F_SETFL, flags & ~O_NONBLOCK);
	/* SIGTERM comes through while this sleeps, as it does in stop_poll() */
	stop_allow(true);
	n = stop_wanted() ? -EINTR : peek(s, s->have, 0);
	stop_allow(false);
	if (flags >= 0 && flags & O_NONBLOCK)
		fcntl(s->fd, F_SETFL, flags);
	if (n >= 0)
		note(s, s->have, n);
	return n < 0 ? (int)n : 0;
}

static int
wait_unix(struct sniff *s, int64_t deadline)
{
	int r;

	do
		r = look_unix(s, deadline);
	while (r == -EAGAIN && clock_left(deadline) != 0);
	return r == -EAGAIN ? -ETIMEDOUT : r;
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
	return -broken(error);
}

static int
wait_poll(struct sniff *s, size_t want, int64_t deadline)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN | POLLRDHUP | POLLPRI };
	bool news = false;
	int at_mark = 0;

	if (want > 1)
		set_lowat(s, want);
	while (!news) {
		int r = stop_poll(&p, 1, clock_left(deadline));
		ssize_t n;

		if (r < 0 && (errno != EINTR || stop_wanted()))
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
		if (p.revents & (POLLRDHUP | POLLHUP) && !(news && s->family == AF_UNIX)) {
			/*
			 * the end comes behind all bytes, and they were just seen; but a peek at a Unix socket stops at an urgent
			 * byte
			 */
			news = s->ended = true;
		} else if (!news && p.revents & POLLPRI) {
			/* what is behind an urgent byte that comes first is shown */
			if (ioctl(s->fd, SIOCATMARK, &at_mark) == 0 && at_mark)
				p.events &= ~POLLPRI;
			else
				news = s->blocked = true;
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
	if (s->ended || s->blocked)
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

int
sniff_consume(struct sniff *s, size_t n)
{
	for (size_t left = n; left > 0;) {
		/* it stops where an urgent byte was */
		ssize_t taken = recv(s->fd, s->bytes, left, MSG_DONTWAIT);

		if (taken < 0 && errno == EINTR)
			continue;
		if (taken <= 0)
			return taken == 0 ? -ECONNRESET : -broken(errno);
		left -= (size_t)taken;
	}
	s->have = 0;
	s->ended = s->blocked = false;
	return sniff_now(s);
}

void
sniff_end(struct sniff *s, bool for_relay)
{
	static const int no_offset = -1, off = 0;

	if (!for_relay)
		setsockopt(s->fd, SOL_SOCKET, SO_OOBINLINE, &off, sizeof off);
	if (s->lowat > 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVLOWAT, &s->lowat, sizeof s->lowat);
	if (s->offset) {
		setsockopt(s->fd, SOL_SOCKET, SO_PEEK_OFF, &no_offset, sizeof no_offset);
		setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &s->limit, sizeof s->limit);
	}
	s->lowat = 0;
	s->offset = false;
}
