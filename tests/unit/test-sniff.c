#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"
#include "fixture.h"
#include "net/sniff.h"
#include "tap.h"

/* Too large for a stack; every case begins anew. */
static struct sniff sniff;

/* The options that a program on the socket would notice. */
struct options {
	int lowat, offset, flags, urgent;
	struct timeval timeout;
};

static struct options
options_of(int fd)
{
	struct options o = { 0 };
	socklen_t size = sizeof(o.lowat), time_size = sizeof(o.timeout);

	if (getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &o.lowat, &size) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &o.urgent, &size) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &o.timeout, &time_size) == -1)
		die("getsockopt: %s", strerror(errno));
	/* only some families have it */
	if (getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &o.offset, &size) == -1)
		o.offset = -1;
	o.flags = fcntl(fd, F_GETFL);
	return o;
}

static void
is_untouched(int fd, const struct options *before, const char *what)
{
	struct options now = options_of(fd);

	is_int(now.lowat, before->lowat, "%s: SO_RCVLOWAT is as it was", what);
	is_int(now.urgent, before->urgent, "%s: SO_OOBINLINE is as it was", what);
	is_int(now.offset, before->offset, "%s: SO_PEEK_OFF is as it was", what);
	is_int(now.flags, before->flags, "%s: O_NONBLOCK is as it was", what);
	is_int(now.timeout.tv_sec * 1000000 + now.timeout.tv_usec, before->timeout.tv_sec * 1000000 + before->timeout.tv_usec,
	    "%s: SO_RCVTIMEO is as it was", what);
}

/* All LENGTH bytes of TEXT can still be read. */
static void
is_unread(int fd, const void *text, size_t length)
{
	static char bytes[2 * SNIFF_MAX];

	is_int((long long)receive(fd, bytes, length), (long long)length, "all bytes that were seen are unread");
	ok(memcmp(bytes, text, length) == 0, "the unread bytes are those that were sent");
}

/* Wait until HAVE bytes are there, as serve does it.  Returns what the last sniff_wait() did. */
static int
wait_for(size_t have, int64_t deadline)
{
	int r = 0;

	while (r == 0 && sniff.have < have && !sniff.ended)
		r = sniff_wait(&sniff, have, deadline);
	return r;
}

static void
test_whole(enum wire wire)
{
	struct pair p = pair_open(wire);
	struct options before = options_of(p.near);

	sniff_begin(&sniff, p.near, wire_family(wire));
	is_int((long long)sniff.have, 0, "%s: no bytes are there at the beginning", wire_name(wire));
	send_text(p.far, "SSH-2.0-x\r\n");
	is_int(wait_for(11, clock_ms() + 20000), 0, "a message in one piece comes before the deadline");
	is_int((long long)sniff.have, 11, "a message in one piece: all of its bytes are seen");
	ok(!sniff.ended && memcmp(sniff.bytes, "SSH-2.0-x\r\n", 11) == 0,
	    "a message in one piece: its bytes are those that were sent");
	sniff_end(&sniff, false);
	is_untouched(p.near, &before, wire_name(wire));
	is_unread(p.near, "SSH-2.0-x\r\n", 11);
	pair_close(&p);
}

/* The client sends a byte only when the one before was seen. */
static void
test_byte_by_byte(enum wire wire)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
	struct pair p = pair_open(wire);
	struct options before = options_of(p.near);
	int failures = 0;

	sniff_begin(&sniff, p.near, wire_family(wire));
	for (size_t i = 1; i < sizeof(text); i++) {
		send_all(p.far, text + i - 1, 1);
		failures += sniff_wait(&sniff, 1, clock_ms() + 20000) != 0 || sniff.have != i || sniff.ended ||
		    memcmp(sniff.bytes, text, i) != 0;
	}
	is_int(failures, 0, "%s: a message byte by byte is seen byte by byte", wire_name(wire));
	sniff_end(&sniff, false);
	is_untouched(p.near, &before, wire_name(wire));
	is_unread(p.near, text, sizeof(text) - 1);
	pair_close(&p);
}

/* A client that dribbles while more is wanted: it may be seen early but must be seen whole. */
static void
test_dribble(enum wire wire)
{
	char text[200];	/* a Unix socket holds some 270 writes, however small */
	struct pair p = pair_open(wire);
	struct timespec pause = { .tv_nsec = 200000 };
	pid_t pid;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	pid = fork_child();
	if (pid == 0) {
		for (size_t i = 0; i < sizeof(text); i++) {
			send_all(p.far, text + i, 1);
			nanosleep(&pause, NULL);
		}
		_exit(0);
	}
	sniff_begin(&sniff, p.near, wire_family(wire));
	is_int(wait_for(sizeof(text), clock_ms() + 30000), 0,
	    "%s: a message that dribbles comes before the deadline", wire_name(wire));
	is_int((long long)sniff.have, sizeof(text), "a message that dribbles: all of its bytes are seen");
	ok(memcmp(sniff.bytes, text, sizeof(text)) == 0, "a message that dribbles: its bytes are in order");
	is_int(wait_child(pid), 0, "the client that dribbles has sent all of it");
	sniff_end(&sniff, false);
	is_unread(p.near, text, sizeof(text));
	pair_close(&p);
}

/* A file description that somebody made non-blocking, and options with unusual values, are left like that. */
static void
test_unusual_options(enum wire wire)
{
	struct pair p = pair_open(wire);
	struct timeval timeout = { .tv_sec = 7 };
	struct options before;
	int lowat = 2;

	fcntl(p.near, F_SETFL, fcntl(p.near, F_GETFL) | O_NONBLOCK);
	setsockopt(p.near, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(p.near, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat));
	before = options_of(p.near);
	sniff_begin(&sniff, p.near, wire_family(wire));
	send_text(p.far, "abc");
	is_int(wait_for(3, clock_ms() + 20000), 0, "%s: three bytes of a non-blocking socket are seen", wire_name(wire));
	is_int(wait_for(10, clock_ms() + 50), -ETIMEDOUT, "a non-blocking socket is waited for until the deadline");
	is_int((long long)sniff.have, 3, "a non-blocking socket: three bytes stay seen at the deadline");
	send_text(p.far, "defg");
	is_int(wait_for(7, clock_ms() + 20000), 0, "a non-blocking socket: four more bytes are seen");
	sniff_end(&sniff, false);
	is_untouched(p.near, &before, wire_name(wire));
	is_unread(p.near, "abcdefg", 7);
	pair_close(&p);
}

static void
test_deadline(enum wire wire)
{
	struct pair p = pair_open(wire);
	struct options before = options_of(p.near);
	struct effort start, used;
	int64_t begin;

	sniff_begin(&sniff, p.near, wire_family(wire));
	begin = clock_ms();
	is_int(sniff_wait(&sniff, 1, begin + 50), -ETIMEDOUT, "%s: no byte comes: the deadline is told", wire_name(wire));
	ok(clock_ms() - begin >= 45, "no byte comes: it is not told before the deadline");
	is_int((long long)sniff.have, 0, "no byte comes: no byte is seen");
	is_int(sniff_wait(&sniff, 1, clock_ms() - 1000), -ETIMEDOUT, "a deadline that has passed is told at once");

	send_text(p.far, "G");
	is_int(wait_for(1, clock_ms() + 20000), 0, "one byte comes before the deadline");
	/* with a byte there poll(2) would be ready all the time */
	start = effort_now();
	begin = clock_ms();
	is_int(wait_for(2, begin + 300), -ETIMEDOUT, "a second byte does not come: the deadline is told");
	used = effort_now();
	ok(clock_ms() - begin >= 295, "a second byte does not come: it is not told before the deadline");
	is_int((long long)sniff.have, 1, "a second byte does not come: the first stays seen");
	if (!ok(used.switches - start.switches <= 8 && used.cpu_us - start.cpu_us < 100000, "waiting for a second byte sleeps"))
		printf("# %lld us, woken %lld times\n", (long long)(used.cpu_us - start.cpu_us),
		    (long long)(used.switches - start.switches));
	start = effort_now();
	is_int(wait_for(1000, clock_ms() + 300), -ETIMEDOUT, "a thousandth byte does not come: the deadline is told");
	used = effort_now();
	ok(used.switches - start.switches <= 8 && used.cpu_us - start.cpu_us < 100000, "waiting for a thousandth byte sleeps");
	sniff_end(&sniff, false);
	is_untouched(p.near, &before, wire_name(wire));
	is_unread(p.near, "G", 1);
	pair_close(&p);
}

/* What arrived before the deadline counts, though less than was wanted. */
static void
test_less_than_wanted(enum wire wire)
{
	struct pair p = pair_open(wire);

	sniff_begin(&sniff, p.near, wire_family(wire));
	send_text(p.far, "G");
	is_int(wait_for(1, clock_ms() + 20000), 0, "%s: one byte of three is there", wire_name(wire));
	send_text(p.far, "ET");
	is_int(wait_for(100, clock_ms() + 200), -ETIMEDOUT, "three of a hundred bytes come: the deadline is told");
	is_int((long long)sniff.have, 3, "three of a hundred bytes come: three are seen");
	ok(memcmp(sniff.bytes, "GET", 3) == 0, "three of a hundred bytes come: they are those that were sent");
	sniff_end(&sniff, false);
	pair_close(&p);
}

/* BEFORE is sent and seen, AFTER is sent and then no more. */
static void
test_end(enum wire wire, const char *before, const char *after)
{
	size_t first = strlen(before), all = first + strlen(after);
	struct pair p = pair_open(wire);
	char text[64];

	snprintf(text, sizeof(text), "%s%s", before, after);
	sniff_begin(&sniff, p.near, wire_family(wire));
	send_text(p.far, before);
	is_int(wait_for(first, clock_ms() + 20000), 0,
	    "%s: \"%s\" is seen before \"%s\" and an end", wire_name(wire), before, after);
	send_text(p.far, after);
	shutdown(p.far, SHUT_WR);
	is_int(wait_for(1000, clock_ms() + 20000), 0, "the client's end is no error");
	ok(sniff.ended, "the client's end is noticed");
	is_int((long long)sniff.have, (long long)all, "all bytes before the client's end are seen");
	ok(memcmp(sniff.bytes, text, all) == 0, "the bytes before the client's end are those that were sent");
	sniff_end(&sniff, false);
	is_unread(p.near, text, all);
	pair_close(&p);
}

/* The end comes while we wait. */
static void
test_end_later(enum wire wire)
{
	struct pair p = pair_open(wire);
	struct timespec pause = { .tv_nsec = 50000000 };
	pid_t pid;

	sniff_begin(&sniff, p.near, wire_family(wire));
	send_text(p.far, "GET");
	is_int(wait_for(3, clock_ms() + 20000), 0, "%s: three bytes are seen before an end that comes later", wire_name(wire));
	pid = fork_child();
	if (pid == 0) {
		nanosleep(&pause, NULL);
		shutdown(p.far, SHUT_WR);
		_exit(0);
	}
	is_int(wait_for(100, clock_ms() + 30000), 0, "an end that comes later ends the waiting");
	ok(sniff.ended && sniff.have == 3, "an end that comes later is noticed while waiting for more");
	wait_child(pid);
	sniff_end(&sniff, false);
	pair_close(&p);
}

static void
test_reset(enum wire wire, const char *before, int64_t pause_ms)
{
	struct pair p = pair_open(wire);
	struct timespec pause = { .tv_nsec = (long)pause_ms * 1000000L };
	pid_t pid;

	sniff_begin(&sniff, p.near, wire_family(wire));
	send_text(p.far, before);
	is_int(wait_for(strlen(before), clock_ms() + 20000), 0, "%s: \"%s\" is seen before a reset", wire_name(wire), before);
	/* a child holds the far end, so that the reset can come while we wait */
	pid = fork_child();
	if (pid == 0) {
		nanosleep(&pause, NULL);
		reset(p.far);
		_exit(0);
	}
	close(p.far);
	p.far = -1;
	if (pause_ms == 0)
		wait_child(pid);
	is_int(wait_for(1000, clock_ms() + 30000), -ECONNRESET, "a reset is told");
	if (pause_ms != 0)
		wait_child(pid);
	sniff_end(&sniff, false);
	pair_close(&p);
}

/* A Unix peer that closes without having read what we sent is a reset as well. */
static void
test_unix_reset(void)
{
	struct pair p = pair_open(WIRE_UNIX);

	sniff_begin(&sniff, p.near, AF_UNIX);
	send_text(p.far, "G");
	is_int(wait_for(1, clock_ms() + 20000), 0, "unix: one byte of a peer that will leave is seen");
	send_text(p.near, "unread");
	close(p.far);
	p.far = -1;
	is_int(wait_for(100, clock_ms() + 30000), -ECONNRESET, "a peer that went without reading has reset");
	sniff_end(&sniff, false);
	pair_close(&p);
}

/* More than will ever be looked at. */
static void
test_full(enum wire wire)
{
	static char text[SNIFF_MAX + 20000];
	struct pair p = pair_open(wire);
	struct options before = options_of(p.near);
	pid_t pid;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 + i / 256);
	pid = fork_child();
	if (pid == 0) {
		send_all(p.far, text, sizeof(text));
		_exit(0);
	}
	sniff_begin(&sniff, p.near, wire_family(wire));
	is_int(wait_for(SNIFF_MAX, clock_ms() + 30000), 0, "%s: as many bytes as can be held come", wire_name(wire));
	is_int((long long)sniff.have, SNIFF_MAX, "a full buffer is filled to the last byte");
	ok(memcmp(sniff.bytes, text, SNIFF_MAX) == 0, "a full buffer has what was sent");
	ok(!sniff.ended, "a full buffer is not the client's end");
	sniff_end(&sniff, false);
	is_untouched(p.near, &before, wire_name(wire));
	is_unread(p.near, text, sizeof(text));
	is_int(wait_child(pid), 0, "the client could send on when the buffer was full");
	pair_close(&p);
}

/* More is wanted than can be there. */
static void
test_wants_too_much(enum wire wire)
{
	struct pair p = pair_open(wire);

	sniff_begin(&sniff, p.near, wire_family(wire));
	send_text(p.far, "abc");
	is_int(sniff_wait(&sniff, SIZE_MAX, clock_ms() + 20000), 0,
	    "%s: more bytes are wanted than can be held: the first is told", wire_name(wire));
	is_int(wait_for(3, clock_ms() + 20000), 0, "more bytes are wanted than can be held: three come");
	is_int(sniff_wait(&sniff, SIZE_MAX, clock_ms() + 50), -ETIMEDOUT,
	    "more bytes are wanted than can be held: no fourth comes before the deadline");
	is_int(sniff_wait(&sniff, 0, clock_ms() + 50), -ETIMEDOUT, "wanting nothing is wanting one more");
	send_text(p.far, "d");
	is_int(sniff_wait(&sniff, 0, clock_ms() + 20000), 0, "wanting nothing is wanting one more, which comes");
	is_int((long long)sniff.have, 4, "wanting nothing: four bytes are seen in the end");
	sniff_end(&sniff, false);
	is_unread(p.near, "abcd", 4);
	pair_close(&p);
}

int
main(void)
{
	for (int wire = WIRE_TCP4; wire <= WIRE_UNIX; wire++) {
		if (!wire_works(wire)) {
			ok(true, "%s # SKIP not on this machine", wire_name(wire));
			continue;
		}
		if (!wire_peeks(wire)) {
			ok(true, "%s # SKIP there is no SO_PEEK_OFF", wire_name(wire));
			continue;
		}
		test_whole(wire);
		test_byte_by_byte(wire);
		test_dribble(wire);
		test_unusual_options(wire);
		test_deadline(wire);
		test_less_than_wanted(wire);
		test_end(wire, "", "");
		test_end(wire, "", "GE");
		test_end(wire, "GE", "");
		test_end(wire, "G", "ET");
		test_end_later(wire);
		test_full(wire);
		test_wants_too_much(wire);
		if (wire != WIRE_UNIX) {
			test_reset(wire, "", 0);
			test_reset(wire, "", 50);
			test_reset(wire, "GE", 0);
			test_reset(wire, "GE", 50);
		}
	}
	if (wire_peeks(WIRE_UNIX))
		test_unix_reset();
	return done_testing();
}
