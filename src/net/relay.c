#include "config.h"

#include "net/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"
#include "net/fault.h"
#include "net/reset.h"

/* A half that moves BULK bytes gets a pipe and is spliced from then on. */
#define BUFFER (RELAY_BUFFER / 2)
#define BULK (4 * BUFFER)
#define PIPE_SIZE (256 * 1024)
/* A user with many pipes gets smaller ones (pipe(7), pipe-user-pages-soft); those are slower than copying. */
#define PIPE_LEAST 65536
#define TURNS 16

/* A connection is long-lived when it is silent for so long, has waited so often, or is bulk. */
#define LONG_LIVED_MS 1000
#define LONG_LIVED_WAITS 64

/* When poll(2) has said so often in a row that something can move, and nothing could, it is not asked again for a moment. */
#define STALLS_MAX 16
#define STALL_MS 10

/* How long a side may take to acknowledge what was sent to it before it is reset, and how often to look whether it has. */
#define RESET_GRACE_MS 2000
#define RESET_LOOK_MS 5

/*
 * One direction.  held: bytes taken from FROM and not yet given to TO: with in_pipe in the pipe, else in buffer at offset.
 * eof: FROM sends no more.  over: nothing more will be moved.
 */
struct half {
	int from, to;
	int pipe[2];
	size_t held, offset;
	uint64_t moved;
	bool eof, over, may_splice, in_pipe;
	bool told;		/* TO was sent the end */
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
	bool cut_off;		/* ended before both sides were done */
	int limit_ms;		/* the time limit that DEADLINE was made from; 0: none */
	int64_t deadline;
	int unacknowledged;	/* when the deadline passed without a move, -1: it has not */
	int stalls;
	int waits;		/* -1: the connection is known to be long-lived */
	struct relay_result result;
	const struct relay_options *options;
};

static enum relay_side
other(enum relay_side side)
{
	return side == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
}

/* The first cause is the one that is logged. */
static void
end_with(struct relay *r, enum relay_end end, int error)
{
	if (r->ended)
		return;
	r->ended = true;
	r->result.end = end;
	r->result.error = error;
}

/* Whether something lies in the socket that was not taken. */
static bool
has_unread(const struct half *h)
{
	uint8_t byte;

	return !h->eof && recv(h->from, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* End before both sides are done, whatever else has happened.  A side that has not got everything is reset. */
static void
cut_off(struct relay *r, enum relay_end end, int error)
{
	if (r->cut_off)
		return;
	r->ended = r->cut_off = true;
	r->result.end = end;
	r->result.error = error;
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++) {
		const struct half *h = &r->halves[side];

		/* without a system error, an end in the middle of nothing is an orderly one, as it would be of either side */
		if (end == RELAY_END_SYSTEM || h->held > 0 || (!h->over && (r->halves[other(side)].over || has_unread(h))))
			r->reset[other(side)] = true;
	}
	r->halves[RELAY_CLIENT].over = r->halves[RELAY_BACKEND].over = true;
}

/*
 * The connection of SIDE is broken: what it sent is still delivered, what is meant for it is lost, and the other side learns of it
 * by a reset.
 */
static void
side_broke(struct relay *r, enum relay_side side)
{
	/* the other side's orderly end is not the cause any more */
	if (r->ended && r->result.end == (side == RELAY_CLIENT ? RELAY_END_BACKEND : RELAY_END_CLIENT))
		r->ended = false;
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
	if (fault_of_peer(error))
		side_broke(r, side);
	else
		cut_off(r, RELAY_END_SYSTEM, error);
	return true;
}

/*
 * Whether SIDE has finished sending and a time limit holds since.  It is not asked whether it is still there: one that was closed
 * answers with a reset once its kernel has forgotten it, in the middle of what the other side is still taking.
 */
static bool
has_left(const struct relay *r, enum relay_side side)
{
	return r->halves[side].eof && r->options->half_close_ms > 0;
}

/* What would be wasted on a connection that is over in a moment. */
static void
set_long_lived(struct relay *r)
{
	static const int on = 1;
	const struct keepalive *k = &r->options->keepalive;

	if (r->waits < 0)
		return;
	r->waits = -1;
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++) {
		if (has_left(r, side) || k->idle_s == 0)
			continue;
		/* fails on a Unix socket, which does not need it */
		if (setsockopt(r->fds[side], IPPROTO_TCP, TCP_KEEPIDLE, &k->idle_s, sizeof k->idle_s) < 0)
			continue;
		setsockopt(r->fds[side], IPPROTO_TCP, TCP_KEEPINTVL, &k->interval_s, sizeof k->interval_s);
		setsockopt(r->fds[side], IPPROTO_TCP, TCP_KEEPCNT, &k->count, sizeof k->count);
		setsockopt(r->fds[side], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	}
	if (r->options->long_lived != NULL)
		r->options->long_lived(r->options->context);
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

/*
 * Take by splice(2) what FROM has.  Returns 0 where that has nothing to say: it stops at urgent data, and not every kind of socket
 * knows it.  recv(2) says which it is.
 */
static ssize_t
splice_in(struct half *h)
{
	ssize_t n;

	if (h->pipe[1] < 0)
		return 0;
	n = splice(h->from, NULL, h->pipe[1], NULL, PIPE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	/* an error of the connection is reported once only, so it is not left to recv(2) */
	if (n >= 0 || fault_of_peer(errno))
		return n;
	if (errno != EAGAIN && errno != EINTR)
		stop_splicing(h);
	return 0;
}

/* Take what FROM has; behind the preface, where that is held.  Returns whether anything happened. */
static bool
half_read(struct relay *r, enum relay_side side)
{
	static const int off = 0;
	struct half *h = &r->halves[side];
	ssize_t n;

	if (h->may_splice && h->moved >= BULK) {
		start_splicing(h);
		set_long_lived(r);
	}
	h->offset = 0;
	n = splice_in(h);
	h->in_pipe = n > 0;
	if (n == 0) {
		h->buffer = free_buffer(r, side);
		n = recv(h->from, h->buffer + h->held, BUFFER - h->held, MSG_DONTWAIT);
	}
	if (n < 0) {
		if (!side_failed(r, side, errno))
			return false;
		h->eof = true;
		return true;
	}
	if (n == 0) {
		h->eof = true;
		if (r->waits < 0 && has_left(r, side))
			setsockopt(h->from, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof off);
	}
	h->held += (size_t)n;
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
	if (h->in_pipe)
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
	/* the second one learns of it when it is closed */
	if (r->halves[other(side)].over)
		return;
	h->told = shutdown(h->to, SHUT_WR) == 0;
	if (!h->told && errno != ENOTCONN)
		side_failed(r, other(side), errno);
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
		/* a short read emptied the socket; poll(2) reports when there is more, for both directions at once */
		if (!h->in_pipe && h->held == 0 && h->offset < BUFFER)
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
note_events(struct relay *r, enum relay_side side, const struct pollfd *p)
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
		/* it had finished sending and is now reset: it is not read any more, so ask for its error */
		getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		side_failed(r, side, error != 0 ? error : ECONNRESET);
	}
}

/* Begin the time limit anew when something has moved, or when another limit holds because one side has finished. */
static void
set_deadline(struct relay *r, bool moved)
{
	bool half = r->halves[RELAY_CLIENT].over != r->halves[RELAY_BACKEND].over;
	int limit = r->options->idle_ms;

	if (half && r->options->half_close_ms > 0 && (limit == 0 || r->options->half_close_ms < limit))
		limit = r->options->half_close_ms;
	if (!moved && limit == r->limit_ms)
		return;
	r->limit_ms = limit;
	r->deadline = limit > 0 ? clock_ms() + limit : CLOCK_NEVER;
	r->unacknowledged = -1;
}

/* How many bytes SIDE was sent and has not acknowledged; of a Unix socket, something that grows with that. */
static int
unacknowledged(const struct relay *r, enum relay_side side)
{
	int n;

	return ioctl(r->fds[side], SIOCOUTQ, &n) == 0 ? n : 0;
}

/*
 * Whether the deadline has passed.  The kernel may hold some megabytes for a slow receiver, which go on moving when we have nothing
 * left to do: as long as they get fewer, the time begins anew.
 */
static bool
time_is_up(struct relay *r)
{
	int before = r->unacknowledged, now;

	if (clock_left(r->deadline) != 0)
		return false;
	now = unacknowledged(r, RELAY_CLIENT) + unacknowledged(r, RELAY_BACKEND);
	if (now == 0 || (before >= 0 && now >= before))
		return true;
	r->unacknowledged = now;
	r->deadline = clock_ms() + r->limit_ms;
	return false;
}

/* Not to burn time on an event of which nothing comes. */
static void
pause_if_stalled(struct relay *r, bool moved)
{
	struct timespec pause = { .tv_nsec = STALL_MS * 1000000L };

	if (moved)
		r->stalls = 0;
	else if (r->stalls < STALLS_MAX)
		r->stalls++;
	else
		nanosleep(&pause, NULL);
}

/* Sleep until something can move, the time is up or SIGTERM comes. */
static void
wait_for_news(struct relay *r)
{
	struct pollfd p[2];
	int n, left;

	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++)
		watch(r, side, &p[side]);
	left = clock_left(r->deadline);
	if (r->waits >= 0 && (left < 0 || left > LONG_LIVED_MS))
		left = LONG_LIVED_MS;
	n = stop_poll(p, 2, left);
	if (r->waits >= 0 && (n == 0 || ++r->waits == LONG_LIVED_WAITS))
		set_long_lived(r);
	if (stop_wanted())
		cut_off(r, RELAY_END_TERMINATED, 0);
	else if (n < 0 && errno != EINTR)
		cut_off(r, RELAY_END_SYSTEM, errno);
	for (int side = RELAY_CLIENT; n > 0 && side <= RELAY_BACKEND; side++)
		note_events(r, side, &p[side]);
}

/*
 * A reset throws away what the peer has not acknowledged yet, which a reset without us in between would not have done.  Nothing
 * tells when the send queue is empty, so look, for a while.
 */
static void
await_delivery(const struct relay *r, enum relay_side side)
{
	int64_t deadline = clock_ms() + RESET_GRACE_MS;
	struct pollfd p = { .fd = r->fds[side] };

	while (unacknowledged(r, side) > 0 && clock_left(deadline) > 0)
		if (poll(&p, 1, RESET_LOOK_MS) != 0)
			return;
}

static void
side_close(struct relay *r, enum relay_side side)
{
	struct half *in = &r->halves[other(side)];
	int domain = AF_UNIX;
	socklen_t size = sizeof domain;
	uint64_t lost;

	if (!r->reset[side]) {
		close(r->fds[side]);
		return;
	}
	/* a side that had all that time gets no more */
	if (r->result.end != RELAY_END_IDLE && r->result.end != RELAY_END_HALF_CLOSE)
		await_delivery(r, side);
	/* a Unix socket keeps what it has for its peer */
	getsockopt(r->fds[side], SOL_SOCKET, SO_DOMAIN, &domain, &size);
	lost = domain == AF_UNIX ? 0 : (uint64_t)unacknowledged(r, side);
	/* the end takes one, and is the last */
	lost -= in->told && lost > 0;
	in->moved -= lost < in->moved ? lost : in->moved;
	reset_close(r->fds[side]);
}

static void
half_begin(struct half *h, int from, int to, bool ready)
{
	*h = (struct half){ .from = from, .to = to, .pipe = { -1, -1 }, .may_splice = true, .ready = ready };
}

/* What the backend gets first is as if the client's half had taken it. */
static void
hold_preface(struct relay *r)
{
	struct half *h = &r->halves[RELAY_CLIENT];

	if (r->options->preface_length == 0)
		return;
	memcpy(r->options->buffer, r->options->preface, r->options->preface_length);
	h->held = r->options->preface_length;
	half_read(r, RELAY_CLIENT);
}

void
relay(int client, int backend, const struct relay_options *options, struct relay_result *ret)
{
	static const int on = 1;
	struct relay r = { .options = options, .limit_ms = -1, .unacknowledged = -1 };

	r.fds[RELAY_CLIENT] = client;
	r.fds[RELAY_BACKEND] = backend;
	half_begin(&r.halves[RELAY_CLIENT], client, backend, true);
	half_begin(&r.halves[RELAY_BACKEND], backend, client, false);
	stop_prepare();
	/* urgent data in its place; recv(2) leaves it out otherwise */
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++)
		setsockopt(r.fds[side], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
	for (int side = RELAY_CLIENT; options->user_timeout_ms > 0 && side <= RELAY_BACKEND; side++)
		setsockopt(r.fds[side], IPPROTO_TCP, TCP_USER_TIMEOUT, &options->user_timeout_ms, sizeof options->user_timeout_ms);

	hold_preface(&r);
	for (;;) {
		bool moved = half_shovel(&r, RELAY_CLIENT);

		moved |= half_shovel(&r, RELAY_BACKEND);
		if (r.halves[RELAY_CLIENT].over && r.halves[RELAY_BACKEND].over)
			break;
		set_deadline(&r, moved);
		if (!moved && time_is_up(&r)) {
			cut_off(&r, r.limit_ms == options->idle_ms ? RELAY_END_IDLE : RELAY_END_HALF_CLOSE, 0);
			break;
		}
		pause_if_stalled(&r, moved);
		wait_for_news(&r);
	}
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++)
		side_close(&r, side);
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++) {
		uint64_t moved = r.halves[side].moved, preface = side == RELAY_CLIENT ? options->preface_length : 0;

		r.result.bytes[side] = moved > preface ? moved - preface : 0;
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
	case RELAY_END_HALF_CLOSE:
		return "half-close-timeout";
	case RELAY_END_TERMINATED:
		return "terminated";
	case RELAY_END_SYSTEM:
		break;
	}
	return "system";
}
