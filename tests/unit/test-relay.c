/*
 * The relay runs in a child between two pairs of sockets; the test is the client and the backend.  The child tells what it
 * returned through a pipe.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "fixture.h"
#include "net/relay.h"
#include "tap.h"

#define MIB (1024 * 1024)

/* What the child tells: the result, how many descriptors it has more or less than before, how often it was told that it lasts. */
struct told {
	struct relay_result result;
	int descriptors, lasted;
};

/*
 * end[RELAY_CLIENT]: what the client holds.  near: as the relay has them, -1 unless kept.  lasts: how often the relay is expected
 * to report that the connection lasts, -1: any number.
 */
struct rig {
	int end[2], near[2];
	int lasts;
	int report;
	pid_t pid;
};

static void
count_call(void *counter)
{
	++*(int *)counter;
}

/* For the relays to come. */
static int half_close_ms;

static void
relay_child(int client, int backend, int idle_ms, int report)
{
	static uint8_t buffer[RELAY_BUFFER];
	struct told told = { .lasted = 0 };
	struct relay_options options = { .idle_ms = idle_ms, .half_close_ms = half_close_ms, .buffer = buffer,
	    .keepalive = { 60, 15, 4 }, .long_lived = count_call, .context = &told.lasted };
	int before = count_descriptors();

	relay(client, backend, &options, &told.result);
	told.descriptors = count_descriptors() - before;
	_exit(write(report, &told, sizeof(told)) != sizeof(told));
}

/* Whether the relays to come run as a user who can have no more pipes of use. */
static bool poor;

/* Become a user who has so many pipes that further ones are small: pipe(7), pipe-user-pages-soft. */
static void
exhaust_pipes(void)
{
	struct rlimit files;
	int pipe[2], n = 0;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		_exit(98);
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1 || (getuid() == 0 && (setgid(65432) == -1 || setuid(65432) == -1)))
		_exit(98);
	do
		if (n++ == 65536 || pipe2(pipe, O_CLOEXEC) == -1)
			_exit(98);
	while (fcntl(pipe[0], F_GETPIPE_SZ) >= 65536);
}

static struct rig
rig_open(enum wire client, enum wire backend, int idle_ms, bool keep)
{
	struct pair c = pair_open(client), b = pair_open(backend);
	struct rig rig = { .end = { c.far, b.far }, .near = { -1, -1 }, .lasts = -1 };
	int report[2];

	if (pipe2(report, O_CLOEXEC) == -1)
		die("pipe: %s", strerror(errno));
	rig.pid = fork_child();
	if (rig.pid == 0) {
		close(c.far);
		close(b.far);
		close(report[0]);
		if (poor)
			exhaust_pipes();
		relay_child(c.near, b.near, idle_ms, report[1]);
	}
	close(report[1]);
	rig.report = report[0];
	if (keep) {
		rig.near[RELAY_CLIENT] = c.near;
		rig.near[RELAY_BACKEND] = b.near;
	} else {
		close(c.near);
		close(b.near);
	}
	return rig;
}

/* Wait for the relay's end and see whether it told what is expected.  bytes -1: any number. */
static void
rig_close(struct rig *rig, enum relay_end end, int64_t in, int64_t out, const char *what)
{
	struct told told;

	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++) {
		if (rig->near[side] != -1)
			close(rig->near[side]);
		if (rig->end[side] != -1)
			close(rig->end[side]);
	}
	if (poll_for(rig->report, POLLIN) == 0) {
		ok(false, "%s: the relay ends", what);
		kill(rig->pid, SIGKILL);
	} else if (receive(rig->report, &told, sizeof(told)) != sizeof(told)) {
		ok(false, "%s: the relay returns", what);
	} else {
		is_str(relay_end_name(told.result.end), relay_end_name(end), "%s: who ended it is told", what);
		if (in >= 0)
			is_int((long long)told.result.bytes[RELAY_CLIENT], in, "%s: bytes from the client are counted", what);
		if (out >= 0)
			is_int((long long)told.result.bytes[RELAY_BACKEND], out, "%s: bytes from the backend are counted", what);
		if (rig->lasts >= 0)
			is_int(told.lasted, rig->lasts, "%s: whether it lasts is told", what);
		is_int(told.descriptors, -2, "%s: both sockets were closed and nothing else is open", what);
	}
	close(rig->report);
	wait_child(rig->pid);
}

/* Close what SIDE of the connection holds, orderly. */
static void
leave(struct rig *rig, enum relay_side side)
{
	close(rig->end[side]);
	rig->end[side] = -1;
}

/* The same, and see that the other side, which has read everything, hears of it. */
static void
leave_first(struct rig *rig, enum relay_side side)
{
	enum relay_side other = side == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
	char byte;

	leave(rig, side);
	is_int((long long)receive(rig->end[other], &byte, 1), 0, "the end of what one side sends is passed on");
}

/* Processor time of the relay so far. */
static int64_t
cpu_us(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) == -1)
		die("no clock of %d", (int)pid);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Nothing can move soon: the relay must sleep.  A spin would use most of the time whenever we look. */
static void
sleeps(const struct rig *rig, const char *what)
{
	struct timespec settle = { .tv_nsec = 30000000 }, look = { .tv_nsec = 100000000 };
	int64_t used = INT64_MAX, before;

	nanosleep(&settle, NULL);
	for (int i = 0; i < 50 && used >= 25000; i++) {
		before = cpu_us(rig->pid);
		nanosleep(&look, NULL);
		used = cpu_us(rig->pid) - before;
	}
	if (!ok(used < 25000, "%s: the relay sleeps", what))
		printf("# used %lld us of the last 100000, and of 49 before them\n", (long long)used);
}

/* Bytes that show where in the stream they stand: 65521 is a prime, so no block of a power of two repeats. */
#define PERIOD 65521

static const uint8_t *
pattern(uint64_t position)
{
	static uint8_t bytes[2 * PERIOD];

	if (bytes[1] == 0)
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(i % PERIOD * 2654435761U >> 13 | 1);
	return bytes + position % PERIOD;
}

/* One end of the connection: what it is to send, then finish; what it has received; error: what ended receiving, 0: end of file. */
struct flow {
	int fd;
	uint64_t to_send, sent, received;
	uint64_t shift;			/* the two directions carry different bytes */
	bool finish, ended, wrong;
	int error;
};

static void
flow_send(struct flow *f)
{
	uint64_t left = f->to_send - f->sent;
	ssize_t n = send(f->fd, pattern(f->sent + f->shift), left < PERIOD ? (size_t)left : PERIOD, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		f->sent += (uint64_t)n;
	else if (n < 0 && errno != EAGAIN)
		die("send: %s", strerror(errno));
	if (f->sent == f->to_send && f->finish)
		shutdown(f->fd, SHUT_WR);
}

static void
flow_receive(struct flow *f, uint64_t shift)
{
	uint8_t bytes[PERIOD];
	ssize_t n = recv(f->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0) {
		f->wrong |= memcmp(bytes, pattern(f->received + shift), (size_t)n) != 0;
		f->received += (uint64_t)n;
	} else if (n == 0 || errno != EAGAIN) {
		f->ended = true;
		f->error = n == 0 ? 0 : errno;
	}
}

/*
 * Play both ends until both have sent all.  UNTIL[side]: also until that side received so many bytes; UINT64_MAX: until its end.
 */
static void
exchange(struct flow f[2], const uint64_t until[2])
{
	for (;;) {
		struct pollfd p[2];
		bool busy = false;

		for (int side = 0; side < 2; side++) {
			p[side] = (struct pollfd){ .fd = f[side].fd };
			if (f[side].sent < f[side].to_send)
				p[side].events |= POLLOUT;
			if (!f[side].ended && f[side].received < until[side])
				p[side].events |= POLLIN;
			busy |= p[side].events != 0;
			if (p[side].events == 0)
				p[side].fd = -1;
		}
		if (!busy)
			return;
		if (poll(p, 2, 60000) <= 0) {
			ok(false, "bytes move within the time of the test");
			return;
		}
		for (int side = 0; side < 2; side++) {
			if (p[side].events & POLLOUT && p[side].revents & POLLOUT)
				flow_send(&f[side]);
			if (p[side].events & POLLIN && p[side].revents & ~POLLOUT)
				flow_receive(&f[side], f[!side].shift);
		}
	}
}

static const char *
names(enum wire client, enum wire backend)
{
	static char text[32];

	snprintf(text, sizeof(text), "%s-%s", wire_name(client), wire_name(backend));
	return text;
}

/* IN bytes from the client and OUT from the backend at once, then both finish. */
static void
test_exchange(enum wire client, enum wire backend, uint64_t in, uint64_t out)
{
	static const uint64_t to_the_end[2] = { UINT64_MAX, UINT64_MAX };
	struct rig rig = rig_open(client, backend, 0, false);
	struct flow f[2] = {
		{ .fd = rig.end[RELAY_CLIENT], .to_send = in, .finish = true },
		{ .fd = rig.end[RELAY_BACKEND], .to_send = out, .finish = true, .shift = 12345 },
	};
	struct told told;

	if (in == 0)
		shutdown(f[0].fd, SHUT_WR);
	if (out == 0)
		shutdown(f[1].fd, SHUT_WR);
	exchange(f, to_the_end);
	is_int((long long)f[1].received, (long long)in, "%s: all that the client sent has arrived", names(client, backend));
	is_int((long long)f[0].received, (long long)out, "an exchange: all that the backend sent has arrived");
	ok(!f[0].wrong && !f[1].wrong, "an exchange: the bytes are those that were sent");
	ok(f[0].error == 0 && f[1].error == 0, "an exchange: both sides see an orderly end");
	/* both finished about at once: either may be told as the first */
	is_int((long long)receive(rig.report, &told, sizeof(told)), sizeof(told), "an exchange: the relay returns");
	is_int((long long)told.result.bytes[RELAY_CLIENT], (long long)in, "an exchange: bytes from the client are counted");
	is_int((long long)told.result.bytes[RELAY_BACKEND], (long long)out, "an exchange: bytes from the backend are counted");
	ok(told.result.end == RELAY_END_CLIENT || told.result.end == RELAY_END_BACKEND,
	    "an exchange: the client or the backend has finished first");
	is_int(told.descriptors, -2, "an exchange: both sockets were closed and nothing else is open");
	is_int(wait_child(rig.pid), 0, "an exchange: the process of the relay ends with 0");
	close(rig.report);
	close(rig.end[0]);
	close(rig.end[1]);
}

/* What can be sent at once is less than what was read, so that pieces are sent in parts, both as copies and by splice(2). */
static void
test_parts(enum wire wire, uint64_t length)
{
	static const uint64_t to_the_end[2] = { UINT64_MAX, UINT64_MAX };
	static const int small = 4608;
	struct rig rig = rig_open(wire, wire, 0, true);
	struct flow f[2] = {
		{ .fd = rig.end[RELAY_CLIENT], .to_send = length, .finish = true },
		{ .fd = rig.end[RELAY_BACKEND], .to_send = length, .finish = true, .shift = 4321 },
	};

	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++) {
		setsockopt(rig.near[side], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		setsockopt(rig.end[side], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		close(rig.near[side]);
		rig.near[side] = -1;
	}
	exchange(f, to_the_end);
	ok(f[0].received == length && f[1].received == length, "%s: %llu bytes in parts", wire_name(wire),
	    (unsigned long long)length);
	ok(!f[0].wrong && !f[1].wrong, "bytes in parts are those that were sent");
	leave(&rig, RELAY_CLIENT);
	leave(&rig, RELAY_BACKEND);
	is_int(wait_child(rig.pid), 0, "bytes in parts: the process of the relay ends with 0");
	close(rig.report);
}

/* FIRST finishes sending; the other then still sends LATER bytes before it finishes too. */
static void
test_half_close(enum wire client, enum wire backend, enum relay_side first, uint64_t later)
{
	enum relay_side second = first == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
	struct rig rig = rig_open(client, backend, 0, false);
	struct flow f[2] = { { .fd = rig.end[0] }, { .fd = rig.end[1], .shift = 777 } };
	uint64_t until[2] = { 0, 0 };

	f[first].to_send = 1000;
	f[first].finish = true;
	until[second] = UINT64_MAX;
	exchange(f, until);
	ok(f[second].received == 1000 && f[second].ended && f[second].error == 0 && !f[second].wrong,
	    "%s: %s's half is closed", names(client, backend), first == RELAY_CLIENT ? "the client" : "the backend");
	sleeps(&rig, "half closed and silent");

	f[second].to_send = later;
	f[second].finish = true;
	until[second] = 0;
	until[first] = UINT64_MAX;
	f[second].ended = false;
	exchange(f, until);
	is_int((long long)f[first].received, (long long)later, "after a half-close the other half still carries bytes");
	ok(f[first].ended && f[first].error == 0 && !f[first].wrong, "after a half-close the other half is carried to its end");
	rig_close(&rig, first == RELAY_CLIENT ? RELAY_END_CLIENT : RELAY_END_BACKEND, first == RELAY_CLIENT ? 1000 : (int64_t)later,
	    first == RELAY_CLIENT ? (int64_t)later : 1000, "half-close");
}

/* Wait until all that FD has sent is at the other end. */
static void
drain(int fd)
{
	struct timespec pause = { .tv_nsec = 5000000 };
	int left = 1;

	for (int i = 0; i < 1000 && left > 0; i++) {
		if (ioctl(fd, SIOCOUTQ, &left) == -1)
			die("SIOCOUTQ: %s", strerror(errno));
		if (left > 0)
			nanosleep(&pause, NULL);
	}
	if (left > 0)
		die("%d bytes were not taken", left);
}

/* WHO sends LENGTH bytes and then resets: the other must get them and then ECONNRESET. */
static void
test_reset(enum wire wire, enum relay_side who, uint64_t length, bool half_closed)
{
	enum relay_side peer = who == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
	struct rig rig = rig_open(wire, wire, 0, false);
	struct flow f[2] = { { .fd = rig.end[0] }, { .fd = rig.end[1], .shift = 777 } };
	uint64_t until[2] = { 0, 0 };
	struct timespec pause = { .tv_nsec = 100000000 };
	char what[100];

	snprintf(what, sizeof(what), "%s: %s sends %llu bytes%s and resets", wire_name(wire),
	    who == RELAY_CLIENT ? "the client" : "the backend", (unsigned long long)length, half_closed ? ", finishes" : "");
	f[who].to_send = length;
	f[who].finish = half_closed;
	exchange(f, until);
	if (half_closed) {
		/* the other side has seen all, and waits */
		until[peer] = UINT64_MAX;
		exchange(f, until);
		ok(f[peer].ended && f[peer].error == 0, "%s: the end is passed on", what);
		f[peer].ended = false;
	} else {
		drain(rig.end[who]);
	}
	reset(rig.end[who]);
	rig.end[who] = -1;
	if (half_closed) {
		is_int(poll_for(rig.end[peer], 0) & (POLLERR | POLLHUP), POLLERR | POLLHUP, "%s: the other side hears of it", what);
		is_int(send(rig.end[peer], "x", 1, MSG_NOSIGNAL), -1, "after a reset the other side cannot send");
	} else {
		/* the relay may have come to its end before the other side begins to read */
		nanosleep(&pause, NULL);
		until[peer] = UINT64_MAX;
		exchange(f, until);
		is_int((long long)f[peer].received, (long long)length, "%s: what was sent arrives", what);
		ok(!f[peer].wrong, "what was sent before a reset arrives as it was sent");
		is_int(f[peer].error, ECONNRESET, "what was sent before a reset is followed by a reset");
	}
	rig_close(&rig, half_closed ? (who == RELAY_CLIENT ? RELAY_END_CLIENT : RELAY_END_BACKEND) :
	    who == RELAY_CLIENT ? RELAY_END_CLIENT_RESET : RELAY_END_BACKEND_RESET, who == RELAY_CLIENT ? (int64_t)length : 0,
	    who == RELAY_CLIENT ? 0 : (int64_t)length, what);
}

static void
chat(const struct rig *rig, int number)
{
	char byte = 'x';

	for (int i = 0; i < number; i++)
		for (int from = RELAY_CLIENT; from <= RELAY_BACKEND; from++) {
			send_all(rig->end[from], &byte, 1);
			receive(rig->end[1 - from], &byte, 1);
		}
}

/* SIGTERM comes together with bytes of WHO's: where the other side did not get them, it must not see an orderly end. */
static void
test_terminated(enum relay_side who, bool unread)
{
	enum relay_side peer = who == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
	struct rig rig = rig_open(WIRE_TCP4, WIRE_TCP4, 0, false);
	struct timespec pause = { .tv_nsec = 50000000 };
	char bytes[8];
	ssize_t n;
	int status;

	chat(&rig, 1);
	/* it sleeps in poll(2) by now, most likely; if not, it may take the bytes after all */
	nanosleep(&pause, NULL);
	kill(rig.pid, SIGSTOP);
	if (waitpid(rig.pid, &status, WUNTRACED) != rig.pid || !WIFSTOPPED(status))
		die("the relay does not stop");
	kill(rig.pid, SIGTERM);
	if (unread)
		send_all(rig.end[who], "rest", 4);
	kill(rig.pid, SIGCONT);
	n = recv(rig.end[peer], bytes, sizeof(bytes), MSG_WAITALL);
	if (unread && n < 0)
		is_int(errno, ECONNRESET, "terminated with bytes not taken: the other side sees a reset");
	else
		is_int(n, unread ? 4 : 0, "terminated: the other side has got everything");
	rig_close(&rig, RELAY_END_TERMINATED, -1, -1, "terminated");
}

/* WHO resets while the other is in the middle of sending to it. */
static void
test_reset_while_receiving(enum wire wire, enum relay_side who)
{
	enum relay_side peer = who == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
	struct rig rig = rig_open(wire, wire, 0, false);
	int64_t sent = 0;
	ssize_t n;

	while (poll_for(rig.end[peer], POLLOUT) & POLLOUT && sent < 2 * MIB &&
	    (n = send(rig.end[peer], pattern((uint64_t)sent), PERIOD, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
		sent += n;
	reset(rig.end[who]);
	rig.end[who] = -1;
	/* nobody reads: only a reset can wake the other */
	is_int(poll_for(rig.end[peer], 0) & POLLERR, POLLERR, "%s: reset by %s while it is sent to", wire_name(wire),
	    who == RELAY_CLIENT ? "the client" : "the backend");
	is_int(send(rig.end[peer], "x", 1, MSG_NOSIGNAL), -1, "after a reset by who is sent to, the other side cannot send on");
	is_int(errno, ECONNRESET, "after a reset by who is sent to, sending fails because of a reset");
	rig_close(&rig, who == RELAY_CLIENT ? RELAY_END_CLIENT_RESET : RELAY_END_BACKEND_RESET, -1, -1, "reset while receiving");
}

/* A Unix socket cannot be reset, but a peer that leaves must not be waited for. */
static void
test_unix_leaves(enum wire client, enum wire backend, enum relay_side who)
{
	enum relay_side peer = who == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
	struct rig rig = rig_open(client, backend, 0, false);
	char byte;
	ssize_t n;

	send_text(rig.end[who], "x");
	is_int((long long)receive(rig.end[peer], &byte, 1), 1,
	    "%s: a byte arrives before its sender leaves", names(client, backend));
	leave(&rig, who);
	n = poll_for(rig.end[peer], POLLIN) != 0 ? recv(rig.end[peer], &byte, 1, 0) : 1;
	ok(n <= 0, "%s is gone, and the other learns of it", who == RELAY_CLIENT ? "the client" : "the backend");
	rig_close(&rig, who == RELAY_CLIENT ? RELAY_END_CLIENT : RELAY_END_BACKEND,
	    who == RELAY_CLIENT, who == RELAY_BACKEND, "leaving");
}

/* Each byte must be there before the next is sent: nothing may be held back. */
static void
test_dribble(enum wire client, enum wire backend)
{
	struct rig rig = rig_open(client, backend, 0, false);
	int failures = 0;
	char byte;

	for (int i = 0; i < 200; i++) {
		byte = (char)i;
		send_all(rig.end[RELAY_CLIENT], &byte, 1);
		failures += receive(rig.end[RELAY_BACKEND], &byte, 1) != 1 || byte != (char)i;
		byte = (char)~i;
		send_all(rig.end[RELAY_BACKEND], &byte, 1);
		failures += receive(rig.end[RELAY_CLIENT], &byte, 1) != 1 || byte != (char)~i;
	}
	is_int(failures, 0, "%s: bytes that dribble arrive one by one", names(client, backend));
	leave_first(&rig, RELAY_CLIENT);
	rig_close(&rig, RELAY_END_CLIENT, 200, 200, "dribble");
}

/* Send from FD until nothing more is taken, or the connection is ended.  Returns how many bytes were. */
static uint64_t
fill(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t sent = 0;
	ssize_t n = 1;

	while (sent < 256 * (uint64_t)MIB && (n > 0 || errno == EAGAIN) && poll(&p, 1, 100) > 0)
		while ((n = send(fd, pattern(sent), PERIOD, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
			sent += (uint64_t)n;
	return sent;
}

/* Receive from FD until its end.  Returns how many bytes came. */
static uint64_t
take_all(int fd)
{
	static char some[65536];
	uint64_t received = 0;
	ssize_t n;

	while (poll_for(fd, POLLIN) != 0 && (n = recv(fd, some, sizeof(some), 0)) > 0)
		received += (uint64_t)n;
	return received;
}

/* Bytes of memory that a process has. */
static long
resident_kib(pid_t pid)
{
	char path[64], line[128];
	long kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (f == NULL || kib < 0)
		die("%s", path);
	fclose(f);
	return kib;
}

/*
 * WHO does not read for a while.  The other can send no more then, but the way back is open; and when WHO reads again, everything
 * is there.  LEAVES: the sender is gone by then, so that poll(2) has a hang-up to report all the time.
 */
static void
test_back_pressure(enum wire client, enum wire backend, enum relay_side who, bool leaves)
{
	enum relay_side peer = who == RELAY_CLIENT ? RELAY_BACKEND : RELAY_CLIENT;
	struct rig rig = rig_open(client, backend, 0, false);
	struct flow f[2] = { { .fd = rig.end[0] }, { .fd = rig.end[1] } };
	uint64_t until[2] = { 0, 0 }, back = leaves ? 0 : 4 * MIB;
	long before = resident_kib(rig.pid);
	char what[100];

	snprintf(what, sizeof(what), "%s: %s does not read%s", names(client, backend),
	    who == RELAY_CLIENT ? "the client" : "the backend", leaves ? ", the other leaves" : "");
	f[peer].sent = f[peer].to_send = fill(rig.end[peer]);
	ok(f[peer].sent < 64 * (uint64_t)MIB, "%s: the other can send only so much", what);
	ok(resident_kib(rig.pid) - before < 4096, "a side that does not read: memory is bounded");
	sleeps(&rig, what);

	if (leaves) {
		leave(&rig, peer);
		sleeps(&rig, "and a hang-up does not wake it again and again");
	} else {
		f[who].to_send = back;
		f[who].shift = 99;
		until[peer] = back;
		exchange(f, until);
		ok(f[peer].received == back && !f[peer].wrong, "a side that does not read: the way back is open");
	}

	/* now it reads */
	if (leaves) {
		f[peer].fd = -1;
		until[who] = UINT64_MAX;
	} else {
		until[who] = f[peer].to_send;
	}
	exchange(f, until);
	is_int((long long)f[who].received, (long long)f[peer].to_send, "a side that reads again: everything arrives");
	ok(!f[who].wrong, "a side that reads again: the bytes are those that were sent");
	if (leaves)
		is_int(f[who].error, 0, "a side that reads again: the end is orderly");
	else
		leave_first(&rig, peer);
	rig_close(&rig, peer == RELAY_CLIENT ? RELAY_END_CLIENT : RELAY_END_BACKEND,
	    (int64_t)(peer == RELAY_CLIENT ? f[peer].to_send : back), (int64_t)(peer == RELAY_CLIENT ? back : f[peer].to_send),
	    what);
}

/* The client has gone before the relay begins; the backend sends for ever. */
static void
test_client_gone(enum wire client, enum wire backend, bool hard)
{
	struct pair c = pair_open(client), b = pair_open(backend);
	struct rig rig = { .end = { -1, b.far }, .near = { -1, -1 } };
	int report[2], sent = 0;

	if (pipe2(report, O_CLOEXEC) == -1)
		die("pipe: %s", strerror(errno));
	if (hard)
		reset(c.far);
	else
		close(c.far);
	rig.pid = fork_child();
	if (rig.pid == 0) {
		close(b.far);
		close(report[0]);
		if (poor)
			exhaust_pipes();
		relay_child(c.near, b.near, 0, report[1]);
	}
	close(report[1]);
	close(c.near);
	close(b.near);
	rig.report = report[0];
	while (sent < 1000000 && poll_for(b.far, POLLOUT) != 0 && send(b.far, "more", 4, MSG_NOSIGNAL) > 0)
		sent++;
	ok(sent < 1000000, "%s: the client had gone: the backend is told", names(client, backend));
	rig_close(&rig, hard ? RELAY_END_CLIENT_RESET : RELAY_END_CLIENT, 0, -1, "gone");
}

static void
test_idle(void)
{
	/* all pauses together are longer than the idle time, which is long enough for a busy machine to be late */
	struct timespec pause = { .tv_nsec = 250000000 };
	struct rig rig = rig_open(WIRE_TCP4, WIRE_TCP4, 2000, false);
	int64_t last = 0;
	char byte;

	for (int i = 0; i < 10; i++) {
		nanosleep(&pause, NULL);
		send_text(rig.end[i % 2], "x");
		last = clock_ms();
		is_int((long long)receive(rig.end[(i + 1) % 2], &byte, 1), 1, "a byte within the idle time is carried");
	}
	ok(recv(rig.end[RELAY_CLIENT], &byte, 1, 0) <= 0, "after the idle time the client is let go");
	ok(clock_ms() - last >= 1990, "the client is not let go before nothing has moved for the idle time");
	ok(recv(rig.end[RELAY_BACKEND], &byte, 1, 0) <= 0, "after the idle time the backend is let go");
	rig_close(&rig, RELAY_END_IDLE, 5, 5, "idle");

	rig = rig_open(WIRE_UNIX, WIRE_TCP4, 100, false);
	ok(recv(rig.end[RELAY_CLIENT], &byte, 1, 0) <= 0, "where nothing ever moved the client is let go after the idle time");
	rig_close(&rig, RELAY_END_IDLE, 0, 0, "idle from the beginning");

	/* a side that is stuck is idle as well */
	rig = rig_open(WIRE_TCP4, WIRE_TCP4, 500, false);
	fill(rig.end[RELAY_CLIENT]);
	ok(poll_for(rig.end[RELAY_CLIENT], POLLRDHUP) & (POLLRDHUP | POLLERR | POLLHUP),
	    "a backend that never reads is not waited for");
	ok(poll_for(rig.end[RELAY_BACKEND], POLLERR) & POLLERR, "a backend that never reads is reset");
	rig_close(&rig, RELAY_END_IDLE, (int64_t)take_all(rig.end[RELAY_BACKEND]), 0, "stuck");
}

/*
 * The client takes a little at a time from what the kernel holds for it: too little for poll(2) to say that there is room for more,
 * and over several idle times.
 */
static void
test_slow_receiver(void)
{
	struct timespec pause = { .tv_nsec = 200000000 };
	struct rig rig = rig_open(WIRE_TCP4, WIRE_TCP4, 2000, false);
	int small = 16384, large = MIB, failures = 0;
	static char some[16384];
	uint64_t sent, received = 0;

	setsockopt(rig.end[RELAY_CLIENT], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	sent = fill(rig.end[RELAY_BACKEND]);
	for (int i = 0; i < 30; i++) {
		nanosleep(&pause, NULL);
		received += sizeof(some);
		failures += receive(rig.end[RELAY_CLIENT], some, sizeof(some)) != sizeof(some);
	}
	is_int(failures, 0, "a slow receiver is served for longer than the idle time");
	setsockopt(rig.end[RELAY_CLIENT], SOL_SOCKET, SO_RCVBUF, &large, sizeof(large));
	leave(&rig, RELAY_BACKEND);
	received += take_all(rig.end[RELAY_CLIENT]);
	is_int((long long)received, (long long)sent, "a slow receiver gets everything");
	rig_close(&rig, RELAY_END_BACKEND, 0, (int64_t)sent, "slow receiver");
}

/* NUMBER bytes each way, one at a time. */
static int
option_of(const struct rig *rig, int side, int level, int name)
{
	socklen_t size = sizeof(int);
	int value = -1;

	if (getsockopt(rig->near[side], level, name, &value, &size) == -1)
		die("getsockopt: %s", strerror(errno));
	return value;
}

/* See whether the sockets that we still hold have got what a connection that LASTS gets, and end. */
static void
rig_settled(struct rig *rig, int lasts, int64_t in, int64_t out, const char *what)
{
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++) {
		/* the relay may be a moment behind the bytes that it moved */
		for (int64_t until = clock_ms() + 20000; lasts != 0 && clock_ms() < until;)
			if (option_of(rig, side, SOL_SOCKET, SO_KEEPALIVE) != 0)
				break;
		is_int(option_of(rig, side, SOL_SOCKET, SO_KEEPALIVE) != 0, lasts,
		    "%s: whether SO_KEEPALIVE is on, on side %d", what, side);
		close(rig->near[side]);
		rig->near[side] = -1;
	}
	rig->lasts = lasts;
	leave_first(rig, RELAY_CLIENT);
	rig_close(rig, RELAY_END_CLIENT, in, out, what);
}

static void
test_options(void)
{
	static char waste[PERIOD];
	const uint64_t all = 16 * PERIOD;
	struct rig rig = rig_open(WIRE_TCP4, WIRE_TCP4, 0, true);

	chat(&rig, 1);
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++)
		is_int(option_of(&rig, side, IPPROTO_TCP, TCP_NODELAY), 0,
		    "one message each way needs no TCP_NODELAY on side %d", side);
	rig_settled(&rig, 0, 1, 1, "over in a moment");

	rig = rig_open(WIRE_TCP4, WIRE_TCP4, 0, true);
	chat(&rig, 2);
	for (int side = RELAY_CLIENT; side <= RELAY_BACKEND; side++)
		ok(option_of(&rig, side, IPPROTO_TCP, TCP_NODELAY) != 0, "two messages each way have TCP_NODELAY on side %d", side);
	rig_settled(&rig, 1, 2, 2, "silent");

	rig = rig_open(WIRE_TCP4, WIRE_TCP4, 0, true);
	chat(&rig, 200);
	rig_settled(&rig, 1, 200, 200, "a long chat");

	/* the silence that tells is not the one that ends */
	rig = rig_open(WIRE_TCP4, WIRE_TCP4, 60000, true);
	rig_settled(&rig, 1, 0, 0, "silent from the beginning");

	rig = rig_open(WIRE_TCP4, WIRE_TCP4, 0, true);
	for (uint64_t at = 0; at < all; at += PERIOD)
		send_all(rig.end[RELAY_CLIENT], pattern(at), PERIOD);
	for (int i = 0; i < 16; i++)
		receive(rig.end[RELAY_BACKEND], waste, PERIOD);
	rig_settled(&rig, 1, (int64_t)all, 0, "bulk");
}

/* A side that has closed answers a question with a reset after a while, which would end what the other still takes. */
static void
test_not_asked(void)
{
	static char waste[200];
	struct rig rig;

	half_close_ms = 600000;
	rig = rig_open(WIRE_TCP4, WIRE_TCP4, 0, true);
	chat(&rig, 200);
	ok(option_of(&rig, RELAY_BACKEND, SOL_SOCKET, SO_KEEPALIVE) == 1, "a long-lived side is asked whether it is still there");
	shutdown(rig.end[RELAY_BACKEND], SHUT_WR);
	ok(poll_for(rig.end[RELAY_CLIENT], POLLRDHUP) & POLLRDHUP, "the end of the backend reaches the client");
	ok(option_of(&rig, RELAY_BACKEND, SOL_SOCKET, SO_KEEPALIVE) == 0, "a side that has finished is not asked any more");
	ok(option_of(&rig, RELAY_CLIENT, SOL_SOCKET, SO_KEEPALIVE) == 1, "the other side still is");
	leave(&rig, RELAY_CLIENT);
	rig_close(&rig, RELAY_END_BACKEND, 200, 200, "not asked");

	rig = rig_open(WIRE_TCP4, WIRE_TCP4, 0, true);
	shutdown(rig.end[RELAY_BACKEND], SHUT_WR);
	ok(poll_for(rig.end[RELAY_CLIENT], POLLRDHUP) & POLLRDHUP, "the end of a silent backend reaches the client");
	for (size_t i = 0; i < sizeof(waste); i++)
		send_all(rig.end[RELAY_CLIENT], "x", 1);
	/* closing with unread bytes would be a reset, which may overtake some of them */
	receive(rig.end[RELAY_BACKEND], waste, sizeof(waste));
	for (int i = 0; i < 500 && option_of(&rig, RELAY_CLIENT, SOL_SOCKET, SO_KEEPALIVE) == 0; i++)
		poll(NULL, 0, 10);
	ok(option_of(&rig, RELAY_CLIENT, SOL_SOCKET, SO_KEEPALIVE) == 1, "a side that lasts is asked");
	ok(option_of(&rig, RELAY_BACKEND, SOL_SOCKET, SO_KEEPALIVE) == 0, "one that has finished before is not");
	leave(&rig, RELAY_CLIENT);
	rig_close(&rig, RELAY_END_BACKEND, 200, 0, "not asked from the beginning");
	half_close_ms = 0;
}

/* Bulk without a pipe to splice through. */
static void
test_no_pipes(void)
{
	poor = true;
	test_exchange(WIRE_TCP4, WIRE_TCP4, 8 * MIB, 8 * MIB);
	poor = false;
}

static void
test_names(void)
{
	is_str(relay_end_name(RELAY_END_CLIENT), "client", "the end is called client");
	is_str(relay_end_name(RELAY_END_BACKEND), "backend", "the end is called backend");
	is_str(relay_end_name(RELAY_END_CLIENT_RESET), "client-reset", "the end is called client-reset");
	is_str(relay_end_name(RELAY_END_BACKEND_RESET), "backend-reset", "the end is called backend-reset");
	is_str(relay_end_name(RELAY_END_IDLE), "idle-timeout", "the end is called idle-timeout");
	is_str(relay_end_name(RELAY_END_SYSTEM), "system", "the end is called system");
}

int
main(void)
{
	static const enum wire mixed[][2] = {
		{ WIRE_TCP4, WIRE_TCP4 }, { WIRE_TCP4, WIRE_UNIX }, { WIRE_UNIX, WIRE_TCP4 }, { WIRE_UNIX, WIRE_UNIX },
	};

	test_names();
	for (size_t i = 0; i < sizeof(mixed) / sizeof(mixed[0]); i++) {
		enum wire client = mixed[i][0], backend = mixed[i][1];

		test_dribble(client, backend);
		test_exchange(client, backend, 0, 0);
		test_exchange(client, backend, 1000, 0);
		test_exchange(client, backend, 1000000, 3);
		test_exchange(client, backend, i == 0 ? 64 * MIB : 8 * MIB, i == 0 ? 64 * MIB : 8 * MIB + 1);
		test_half_close(client, backend, RELAY_CLIENT, 2 * MIB);
		test_half_close(client, backend, RELAY_BACKEND, 1000);
		test_back_pressure(client, backend, RELAY_BACKEND, false);
		test_back_pressure(client, backend, RELAY_CLIENT, true);
		test_client_gone(client, backend, false);
		test_unix_leaves(client, backend, RELAY_CLIENT);
		test_unix_leaves(client, backend, RELAY_BACKEND);
	}
	for (int who = RELAY_CLIENT; who <= RELAY_BACKEND; who++) {
		test_reset(WIRE_TCP4, who, 0, false);
		test_reset(WIRE_TCP4, who, 11, false);
		test_reset(WIRE_TCP4, who, 512 * 1024, false);
		test_reset(WIRE_TCP4, who, 11, true);
		test_reset_while_receiving(WIRE_TCP4, who);
		test_terminated(who, true);
		test_terminated(who, false);
	}
	test_client_gone(WIRE_TCP4, WIRE_TCP4, true);
	test_parts(WIRE_TCP4, 60000);
	test_parts(WIRE_TCP4, 500000);
	test_parts(WIRE_UNIX, 60000);
	test_parts(WIRE_UNIX, 500000);
	test_idle();
	test_slow_receiver();
	test_no_pipes();
	test_options();
	test_not_asked();
	return done_testing();
}
