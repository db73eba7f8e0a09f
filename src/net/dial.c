#include "config.h"

#include "net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/resolve.h"
#include "net/transparent.h"

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

/* Give FD the address that it is to connect from; TO is of the same family. */
static int
bind_source(int fd, const struct cidr *source, const struct address *to)
{
	static const int on = 1;
	struct address from = { .length = to->length };

	if (source->family != to->sa.sa_family)
		return -EAFNOSUPPORT;
	from.sa.sa_family = source->family;
	if (source->family == AF_INET)
		memcpy(&from.in.sin_addr, source->bytes, sizeof from.in.sin_addr);
	else
		memcpy(&from.in6.sin6_addr, source->bytes, sizeof from.in6.sin6_addr);
	/* the port is chosen by connect(2), which knows that it need be free for one backend only */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	return bind(fd, &from.sa, from.length) < 0 ? -errno : 0;
}

/* What OPTIONS say of FD, before it connects to TO, an IP address. */
static int
prepare(int fd, const struct address *to, const struct dial_options *o, bool own_port)
{
	static const int on = 1;
	const int tos = o->dscp << 2;
	bool is_ipv4 = to->sa.sa_family == AF_INET;
	int r = 0;

	if (o->mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &o->mark, sizeof o->mark) < 0)
		return -errno;
	if (tos != 0 && setsockopt(fd, is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6, is_ipv4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof tos) < 0)
		return -errno;
	if (o->fast_open)
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on);
	if (o->transparent)
		r = transparent_bind(fd, o->client, to, own_port);
	else if (o->source != NULL && o->source->family != 0)
		r = bind_source(fd, o->source, to);
	return r;
}

/* A socket to connect to TO with; OWN_PORT: see transparent.h.  Returns it, or -errno. */
static int
open_socket(const struct address *to, const struct dial_options *options, bool own_port)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = address_is_ip(to) ? prepare(fd, to, options, own_port) : 0;
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* ERROR in words, to TEXT; with what to check. */
static const char *
words_of(int error, const struct dial_options *options, char text[DIAL_FAILURE])
{
	const char *hint = options->transparent ? transparent_hint(error) : NULL;

	if (hint == NULL)
		return strerror(error);
	snprintf(text, DIAL_FAILURE, "%s (%s)", strerror(error), hint);
	return text;
}

/* Whether ERROR only means that the client's port has a connection to this backend already, or had one a moment ago. */
static bool
wants_other_port(int error, const struct dial_options *options)
{
	return error == -EADDRNOTAVAIL && options->transparent;
}

/*
 * Connect to one address.  Returns the descriptor, blocking, or -errno.
 *
 * connect(2) waits itself, which takes three system calls less than waiting with poll(2).  SO_SNDTIMEO is its deadline, see
 * socket(7); vsock has one of its own.
 */
static int
dial_once(const struct address *address, const struct dial_options *options, bool own_port, int64_t deadline)
{
	bool is_vsock = address->sa.sa_family == AF_VSOCK;
	int fd = open_socket(address, options, own_port), r;

	if (fd < 0)
		return fd;
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

static int
dial_address(const struct address *address, const struct dial_options *options, int64_t deadline)
{
	int r = dial_once(address, options, true, deadline);

	return wants_other_port(r, options) ? dial_once(address, options, false, deadline) : r;
}

/* As many connections are tried beside each other. */
#define BESIDE_MAX 16
/* How long to wait before all are tried again. */
#define RETRY_MS 100

/*
 * running: attempts that have begun and are not over; those of fds, to their addresses.  at: which of the order is next; resolved
 * ones of a name, and how many of them are left.  failure: room for what has failed, of which USED is in use.
 */
struct race {
	const struct endpoint *endpoints;
	const struct dial_options *options;
	size_t count, at, running;
	uint8_t order[BALANCE_MAX];
	struct pollfd fds[BESIDE_MAX];
	struct address to[BESIDE_MAX];
	struct address resolved[RESOLVE_MAX];
	size_t resolved_count, resolved_at;
	int error;
	char *failure;
	size_t used;
};

/* Take note that WHAT has failed, in words; ERROR is what dial() returns if it is the last. */
static void
note_failure(struct race *r, int error, const char *what, const char *words)
{
	int n;

	r->error = error;
	if (r->used >= DIAL_FAILURE - 1)
		return;
	n = snprintf(r->failure + r->used, DIAL_FAILURE - r->used, "%s%s: %s", r->used > 0 ? "; " : "", what, words);
	r->used += n > 0 ? (size_t)n : 0;
}

static void
note_address(struct race *r, int error, const struct address *to)
{
	char text[ADDRESS_TEXT], words[DIAL_FAILURE];

	note_failure(r, error, address_format(to, text), words_of(-error, r->options, words));
}

/* The share of the time until the deadline that the first of LEFT attempts may take, as a deadline of its own. */
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

/* How many are still to be tried; a name that is not resolved is one. */
static size_t
left_to_try(const struct race *r)
{
	return r->count - r->at + r->resolved_count - r->resolved_at;
}

/* Until when the one that is tried now has the time to itself. */
static int64_t
turn_ends(const struct race *r)
{
	int64_t deadline = r->options->deadline, turn;

	if (r->options->stagger_ms == 0 || left_to_try(r) == 0)
		return share(deadline, left_to_try(r) + 1);
	turn = clock_ms() + r->options->stagger_ms;
	return turn < deadline ? turn : deadline;
}

/* The next address to try, or NULL.  A name is resolved when its turn comes. */
static const struct address *
next_address(struct race *r)
{
	while (r->resolved_at == r->resolved_count && r->at < r->count) {
		const struct endpoint *e = &r->endpoints[r->order[r->at++]];
		const char *reason;
		char what[DIAL_FAILURE];
		int n;

		if (e->address.length > 0)
			return &e->address;
		r->resolved_at = r->resolved_count = 0;
		n = resolve(e->host, e->service, RESOLVE_TO_CONNECT, share(r->options->deadline, r->count - r->at + 1), r->resolved,
		    &reason);
		if (n >= 0) {
			r->resolved_count = (size_t)n;
			continue;
		}
		snprintf(what, sizeof what, "cannot resolve %s", e->host);
		note_failure(r, n, what, reason);
	}
	return r->resolved_at < r->resolved_count ? &r->resolved[r->resolved_at++] : NULL;
}

/* Forget attempt I. */
static void
forget(struct race *r, size_t i)
{
	r->running--;
	r->fds[i] = r->fds[r->running];
	r->to[i] = r->to[r->running];
}

/* Attempt I has failed by ERROR. */
static void
lose(struct race *r, size_t i, int error)
{
	note_address(r, error, &r->to[i]);
	close(r->fds[i].fd);
	forget(r, i);
}

/* Attempt I is connected: returns its descriptor as dial() does. */
static int
win(struct race *r, size_t i, struct address *ret_peer)
{
	int fd = r->fds[i].fd;

	*ret_peer = r->to[i];
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	forget(r, i);
	return fd;
}

/* Begin to connect to TO.  Returns the descriptor, or -errno. */
static int
begin_once(const struct address *to, const struct dial_options *options, bool own_port)
{
	int fd = open_socket(to, options, own_port), error;

	if (fd < 0)
		return fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (connect(fd, &to->sa, to->length) == 0 || errno == EINPROGRESS || errno == EINTR)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/* The same, beside others.  Returns 0 or -errno. */
static int
begin(struct race *r, const struct address *to)
{
	int fd;

	if (r->running == BESIDE_MAX)
		lose(r, 0, -ETIMEDOUT);
	fd = begin_once(to, r->options, true);
	if (wants_other_port(fd, r->options))
		fd = begin_once(to, r->options, false);
	if (fd < 0)
		return fd;
	r->fds[r->running] = (struct pollfd){ .fd = fd, .events = POLLOUT };
	r->to[r->running++] = *to;
	return 0;
}

/*
 * Wait until one of those that have begun is connected, until all have failed, or until UNTIL.  Returns the descriptor, or
 * -ETIMEDOUT or -EAGAIN: all have failed.
 */
static int
await(struct race *r, int64_t until, struct address *ret_peer)
{
	while (r->running > 0) {
		int n = poll(r->fds, r->running, clock_left(until));

		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		for (size_t i = r->running; n > 0 && i-- > 0;) {
			int error = 0;
			socklen_t size = sizeof error;

			if (r->fds[i].revents == 0)
				continue;
			getsockopt(r->fds[i].fd, SOL_SOCKET, SO_ERROR, &error, &size);
			if (error == 0 && is_self(r->fds[i].fd, &r->to[i]))
				error = ECONNREFUSED;
			if (error == 0)
				return win(r, i, ret_peer);
			lose(r, i, -error);
		}
	}
	return -EAGAIN;
}

/* Try TO, and what is being tried already, until it is time for the next.  Returns the descriptor, or a negative number. */
static int
try(struct race *r, const struct address *to, struct address *ret_peer)
{
	int64_t until = turn_ends(r);
	int result;

	/* a Unix socket answers at once, unless it is busy, and a last one has none beside it: for both, connect(2) can wait */
	if (to->sa.sa_family == AF_UNIX || (r->running == 0 && left_to_try(r) == 0)) {
		*ret_peer = *to;
		result = dial_address(to, r->options, until);
		if (result < 0)
			note_address(r, result, to);
		return result;
	}
	result = begin(r, to);
	if (result < 0) {
		note_address(r, result, to);
		return result;
	}
	result = await(r, until, ret_peer);
	while (result == -ETIMEDOUT && r->options->stagger_ms == 0 && r->running > 0)
		lose(r, 0, -ETIMEDOUT);
	return result;
}

/* Try all, once.  Returns the descriptor, or a negative number. */
static int
try_all(struct race *r, struct address *ret_peer)
{
	const struct address *to;
	int result = -ETIMEDOUT;

	r->at = r->resolved_at = r->resolved_count = 0;
	while (result < 0 && clock_left(r->options->deadline) != 0 && (to = next_address(r)) != NULL)
		result = try(r, to, ret_peer);
	if (result < 0)
		result = await(r, r->options->deadline, ret_peer);
	while (result < 0 && r->running > 0)
		lose(r, 0, -ETIMEDOUT);
	while (r->running > 0) {
		close(r->fds[0].fd);
		forget(r, 0);
	}
	return result;
}

/* Whether what says so may be there in a moment. */
static bool
is_passing(int error)
{
	return error == -ECONNREFUSED || error == -ENOENT;
}

/* Out of line: most connections do without, and its storage would be one page more for each. */
static int __attribute__((noinline))
dial_several(const struct endpoint *endpoints, size_t count, const struct dial_options *options, struct address *ret_peer,
    char ret_failure[DIAL_FAILURE])
{
	int64_t retry_until = options->retry_ms > 0 ? clock_ms() + options->retry_ms : 0;
	int64_t last_retry = (retry_until < options->deadline ? retry_until : options->deadline) - RETRY_MS;
	struct race r;
	int fd;

	r.endpoints = endpoints;
	r.options = options;
	r.count = count;
	r.running = 0;
	r.failure = ret_failure;
	balance_order(options->balance, endpoints, count, options->client, r.order);
	for (;;) {
		r.error = -ETIMEDOUT;
		r.used = 0;
		fd = try_all(&r, ret_peer);
		if (fd >= 0)
			return fd;
		if (r.used == 0)
			note_failure(&r, r.error, endpoints[r.order[0]].text, strerror(-r.error));
		if (!is_passing(r.error) || clock_ms() >= last_retry)
			return r.error;
		nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000L }, NULL);
	}
}

/* Out of line for the same reason. */
static void __attribute__((noinline))
describe_failure(int error, const struct address *to, const struct dial_options *options, char ret_failure[DIAL_FAILURE])
{
	char text[ADDRESS_TEXT], words[DIAL_FAILURE];

	snprintf(ret_failure, DIAL_FAILURE, "%s: %.300s", address_format(to, text), words_of(error, options, words));
}

int
dial(const struct endpoint *endpoints, size_t count, const struct dial_options *options, struct address *ret_peer,
    char ret_failure[DIAL_FAILURE])
{
	const struct address *only = &endpoints[0].address;
	int r;

	ret_failure[0] = '\0';
	if (count > 1 || only->length == 0 || options->retry_ms > 0)
		return dial_several(endpoints, count, options, ret_peer, ret_failure);
	*ret_peer = *only;
	r = dial_address(only, options, options->deadline);
	if (r < 0)
		describe_failure(-r, only, options, ret_failure);
	return r;
}
