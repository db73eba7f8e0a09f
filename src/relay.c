#include "config.h"

#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "reset.h"

/* A half that moves BULK bytes gets a pipe and is spliced from then on. */
#define BUFFER (RELAY_BUFFER / 2)
#define BULK (4 * BUFFER)
#define PIPE_SIZE (256 * 1024)
/* What a user has who has many pipes (pipe(7), pipe-user-pages-soft) is smaller than this, and slower than copying. */
#define PIPE_LEAST 65536
#define TURNS 16

/* A connection lasts when it is silent for so long, has waited so often, or is bulk. */
#define LASTS_MS 1000
#define LASTS_WAITS 64

/* How long a side may take to acknowledge what was sent to it before it is reset, and how often to look whether it has. */
#define RESET_GRACE_MS 2000
#define RESET_LOOK_MS 5

/*
 * One direction.  held: bytes taken from FROM and not yet given to TO: in the pipe if there is one, else in buffer at offset.
 * eof: FROM sends no more.  over: nothing more will be moved.
 */
struct half {
	int from, to;
	int pipe[2];
	size_t held, offset;
	uint64_t moved;
	bool eof, over, may_splice;
	bool prompt;		/* TO has TCP_NODELAY */
	bool ready;		/* poll(2) says that moving something may work */
	uint8_t *buffer;
};

/* sides[RELAY_CLIENT] is where halves[RELAY_CLIENT] reads from. */
struct relay {
	struct half halves[2];
	int fds[2];
	bool reset[2];		/* this side is to be reset when it is closed */
	bool hung_up[2];	/* poll(2) reports a hang-up that we cannot act on yet */
	bool ended;
	int waits;		/* -1: the connection is known to last */
	struct relay_result result;
	const struct relay_options *options;
};

static enum relay_side
other(enum relay_side side)
{
	return side == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
}

/* The first cause is the one that is told. */
static void
end_with(struct relay *r, enum relay_end end, int error)
{
	if (r->ended)
		return;
	r->ended = true;
	r->result.end = end;
	r->result.error = error;
}

/*
 * The connection of SIDE is broken: what it sent is still delivered, what is meant for it is lost, and the other side learns of it
 * by a reset.
 */
static void
side_broke(struct relay *r, enum relay_side side)
{
	end_with(r, side == RELAY_CLIENT ? RELAY_END_CLIENT_RESET : RELAY_END_BACKEND_RESET, 0);
	r->reset[other(side)] = true;
	r->halves[other(side)].over = true;
}

/* Take errno of an operation on SIDE.  Returns false when it only means: not now. */
static bool
side_failed(struct relay *r, enum relay_side side, int error)
{
	if (error == EAGAIN || error == EINTR)
		return false;
	if (error == ENOMEM || error == ENOBUFS || error == EBADF || error == EINVAL)
		end_with(r, RELAY_END_SYSTEM, error);
	side_broke(r, side);
	return true;
}

/* What would be wasted on a connection that is over in a moment. */
static void
settle(struct relay *r)
{
	static const int on = 1;

	if (r->waits < 0)
		return;
	r->waits = -1;
	/* fails on a Unix socket, which does not need it */
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++)
		setsockopt(r->fds[side], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	if (r->options->lasts != NULL)
		r->options->lasts(r->options->context);
}

static void
stop_splicing(struct half *h)
{
	close(h->pipe[0]);
	close(h->pipe[1]);
	h->pipe[0] = h->pipe[1] = -1;
}

/* From now on by splice, if the system has a pipe for us; both descriptors must not block then, see design. */
static void
start_splicing(struct half *h)
{
	h->may_splice = false;
	if (pipe2(h->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		h->pipe[0] = h->pipe[1] = -1;
		return;
	}
	if (fcntl(h->pipe[1], F_SETPIPE_SZ, PIPE_SIZE) < 0 && fcntl(h->pipe[1], F_GETPIPE_SZ) < PIPE_LEAST) {
		stop_splicing(h);
		return;
	}
	signal(SIGPIPE, SIG_IGN);	/* splice(2) has no MSG_NOSIGNAL */
	fcntl(h->from, F_SETFL, fcntl(h->from, F_GETFL) | O_NONBLOCK);
	fcntl(h->to, F_SETFL, fcntl(h->to, F_GETFL) | O_NONBLOCK);
}

/* Both directions take turns in the same pages, unless the other one could not get rid of what it took. */
static uint8_t *
free_buffer(const struct relay *r, enum relay_side side)
{
	const struct half *h = &r->halves[other(side)];
	uint8_t *first = r->options->buffer;

	return h->held > 0 && h->buffer == first ? first + BUFFER : first;
}

/* Take what FROM has.  Only called when nothing is held.  Returns whether anything happened. */
static bool
half_read(struct relay *r, enum relay_side side)
{
	struct half *h = &r->halves[side];
	ssize_t n;

	if (h->may_splice && h->moved >= BULK) {
		start_splicing(h);
		settle(r);
	}
	if (h->pipe[1] >= 0)
		n = splice(h->from, NULL, h->pipe[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	else {
		h->buffer = free_buffer(r, side);
		n = recv(h->from, h->buffer, BUFFER, MSG_DONTWAIT);
	}
	if (n < 0 && errno == EINVAL && h->pipe[1] >= 0) {
		/* not every kind of socket can be spliced from */
		stop_splicing(h);
		return true;
	}
	if (n < 0) {
		if (!side_failed(r, side, errno))
			return false;
		h->eof = true;
		return true;
	}
	if (n == 0)
		h->eof = true;
	h->held = (size_t)n;
	h->offset = 0;
	return true;
}

/* Give TO what is held.  Returns whether anything happened. */
static bool
half_write(struct relay *r, enum relay_side side)
{
	static const int on = 1;
	struct half *h = &r->halves[side];
	ssize_t n;

	/* a first write leaves at once in any case, and a short connection has no other; this fails on a Unix socket */
	if (h->moved > 0 && !h->prompt) {
		h->prompt = true;
		setsockopt(h->to, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	}
	if (h->pipe[0] >= 0)
		n = splice(h->pipe[0], NULL, h->to, NULL, h->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	else
		n = send(h->to, h->buffer + h->offset, h->held, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		if (!side_failed(r, other(side), errno))
			return false;
		return true;
	}
	h->held -= (size_t)n;
	h->offset += (size_t)n;
	h->moved += (size_t)n;
	return n > 0;
}

/* Everything was delivered and no more will come: pass that on. */
static void
half_finish(struct relay *r, enum relay_side side)
{
	struct half *h = &r->halves[side];

	h->over = true;
	/* a side that is to be reset gets no orderly end first */
	if (r->reset[other(side)])
		return;
	end_with(r, side == RELAY_CLIENT ? RELAY_END_CLIENT : RELAY_END_BACKEND, 0);
	/* closing tells the second one */
	if (!r->halves[other(side)].over)
		shutdown(h->to, SHUT_WR);
}

/*
 * Move bytes until no end makes progress, in bounded turns, so that one direction that never pauses does not starve the other.
 * Returns whether anything moved.
 */
static bool
half_shovel(struct relay *r, enum relay_side side)
{
	struct half *h = &r->halves[side];
	bool moved = false;

	for (int turns = 0; h->ready && !h->over && turns < TURNS; turns++) {
		h->ready = false;
		if (h->held == 0 && !h->eof)
			h->ready = half_read(r, side);
		if (h->held > 0 && !h->over)
			h->ready = half_write(r, side);
		moved |= h->ready;
		if (h->eof && h->held == 0 && !h->over)
			half_finish(r, side);
		/* a short read emptied the socket; poll(2) tells when there is more, and for both directions at once */
		if (h->pipe[0] < 0 && h->held == 0 && h->offset < BUFFER)
			h->ready = false;
	}
	return moved;
}

/* What poll(2) is to watch SIDE for. */
static void
watch(const struct relay *r, enum relay_side side, struct pollfd *p)
{
	const struct half *out = &r->halves[side], *in = &r->halves[other(side)];

	p->fd = r->fds[side];
	p->revents = 0;
	p->events = 0;
	if (!out->over && !out->eof && out->held == 0)
		p->events |= POLLIN;
	if (!in->over && in->held > 0)
		p->events |= POLLOUT;
	/* a hang-up is reported whether asked for or not: with nothing to do about it poll would return for ever */
	if (p->events == 0 && (r->hung_up[side] || (out->over && in->over)))
		p->fd = -1;
}

/* Act on what poll(2) said of SIDE. */
static void
heed(struct relay *r, enum relay_side side, const struct pollfd *p)
{
	int error = 0;
	socklen_t size = sizeof error;

	if (p->fd < 0 || p->revents == 0)
		return;
	if (p->revents & ~POLLOUT)
		r->halves[side].ready = true;
	if (p->revents & ~POLLIN)
		r->halves[other(side)].ready = true;
	if (p->events != 0)
		return;		/* reading or writing will meet whatever it is */
	r->hung_up[side] = true;
	if (r->halves[side].eof && p->revents & POLLERR) {
		/* it had finished sending and is now reset: nobody reads from it any more, so ask */
		getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		side_failed(r, side, error != 0 ? error : ECONNRESET);
	}
}

/* Sleep until something can move.  Returns false when the idle time ran out or poll failed. */
static bool
wait_for_news(struct relay *r, int64_t deadline)
{
	struct pollfd p[2];
	int n, left;

	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++)
		watch(r, side, &p[side]);
	left = clock_left(deadline);
	if (r->waits >= 0 && (left < 0 || left > LASTS_MS))
		left = LASTS_MS;
	n = poll(p, 2, left);
	if (r->waits >= 0 && (n == 0 || ++r->waits == LASTS_WAITS))
		settle(r);
	if (n == 0) {
		if (clock_left(deadline) != 0)
			return true;
		end_with(r, RELAY_END_IDLE, 0);
		return false;
	}
	if (n < 0) {
		if (errno == EINTR)
			return true;
		end_with(r, RELAY_END_SYSTEM, errno);
		return false;
	}
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++)
		heed(r, side, &p[side]);
	return true;
}

/*
 * A reset throws away what the peer has not acknowledged yet, which a reset without us in between would not have done.  Nothing
 * tells when the send queue is empty, so look, for a while.
 */
static void
await_delivery(int fd)
{
	int64_t deadline = clock_ms() + RESET_GRACE_MS;
	struct pollfd p = { .fd = fd };
	int queued = 0;

	while (ioctl(fd, SIOCOUTQ, &queued) == 0 && queued > 0 && clock_left(deadline) > 0)
		if (poll(&p, 1, RESET_LOOK_MS) != 0)
			return;
}

static void
side_close(int fd, bool reset)
{
	if (!reset) {
		close(fd);
		return;
	}
	await_delivery(fd);
	reset_close(fd);
}

static void
half_begin(struct half *h, int from, int to, bool ready)
{
	*h = (struct half){ .from = from, .to = to, .pipe = { -1, -1 }, .may_splice = true, .ready = ready };
}

void
relay(int client, int backend, const struct relay_options *options, struct relay_result *ret)
{
	struct relay r = { .options = options };
	int64_t deadline = CLOCK_NEVER;
	bool waiting = true;

	r.fds[RELAY_CLIENT] = client;
	r.fds[RELAY_BACKEND] = backend;
	half_begin(&r.halves[RELAY_CLIENT], client, backend, true);
	half_begin(&r.halves[RELAY_BACKEND], backend, client, false);

	while (waiting) {
		bool moved = half_shovel(&r, RELAY_CLIENT);

		moved |= half_shovel(&r, RELAY_BACKEND);
		if (r.halves[RELAY_CLIENT].over && r.halves[RELAY_BACKEND].over)
			break;
		if (options->idle_ms > 0 && (moved || deadline == CLOCK_NEVER))
			deadline = clock_ms() + options->idle_ms;
		waiting = wait_for_news(&r, deadline);
	}
	if (r.ended && r.result.end == RELAY_END_SYSTEM)
		r.reset[RELAY_CLIENT] = r.reset[RELAY_BACKEND] = true;
	side_close(client, r.reset[RELAY_CLIENT]);
	side_close(backend, r.reset[RELAY_BACKEND]);
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++) {
		r.result.bytes[side] = r.halves[side].moved;
		if (r.halves[side].pipe[0] >= 0)
			stop_splicing(&r.halves[side]);
	}
	*ret = r.result;
}

const char *
relay_end_name(enum relay_end end)
{
	switch (end) {
	case RELAY_END_CLIENT:
		return "client";
	case RELAY_END_BACKEND:
		return "backend";
	case RELAY_END_CLIENT_RESET:
		return "client-reset";
	case RELAY_END_BACKEND_RESET:
		return "backend-reset";
	case RELAY_END_IDLE:
		return "idle-timeout";
	case RELAY_END_SYSTEM:
		break;
	}
	return "system";
}
