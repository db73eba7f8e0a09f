#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/dial.h"
#include "fixture.h"
#include "tap.h"

/* How those are dialled that a test has nothing to say about. */
static struct dial_options
until(int64_t timeout)
{
	return (struct dial_options){ .deadline = clock_ms() + timeout };
}

/* Nothing here takes so long; it bounds a test that fails. */
#define LONG 20000

/* A label has 63 bytes at most: this name is wrong without asking anybody, and endpoint_parse() would refuse it. */
#define NO_NAME "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.invalid"

static struct endpoint
endpoint_of(const struct address *a)
{
	return (struct endpoint){ .text = "test", .address = *a };
}

/* Port PORT of the name NAME. */
static struct endpoint
endpoint_named(const char *name, int64_t port)
{
	static char service[4][8];
	static unsigned calls;
	char *mine = service[calls++ % 4];

	snprintf(mine, sizeof(service[0]), "%lld", (long long)port);
	return (struct endpoint){ .text = name, .host = name, .service = mine };
}

/* Whether FD is connected to the listener L: what is written here is read there. */
static bool
reaches(int fd, int l)
{
	int accepted = poll_for(l, POLLIN) ? accept(l, NULL, NULL) : -1;
	char byte = 0;
	bool works;

	if (accepted == -1)
		return false;
	send_text(fd, "x");
	works = receive(accepted, &byte, 1) == 1 && byte == 'x';
	close(accepted);
	return works;
}

/* Dial ENDPOINTS and expect the listener L with the address A. */
static void
is_reached(const struct endpoint *endpoints, size_t count, int64_t timeout, int l, const struct address *a, const char *what)
{
	struct address peer = { 0 };
	char got[ADDRESS_TEXT], want[ADDRESS_TEXT], failure[DIAL_FAILURE];
	struct dial_options options = until(timeout);
	int before = count_descriptors(), fd = dial(endpoints, count, &options, &peer, failure);

	if (!ok(fd >= 0, "%s: a connection is made", what)) {
		printf("# %s\n", strerror(-fd));
		return;
	}
	is_str(address_format(&peer, got), address_format(a, want), "%s: the address that answered is told", what);
	ok(reaches(fd, l), "%s: bytes arrive", what);
	is_int(fcntl(fd, F_GETFL) & O_NONBLOCK, 0, "%s: the socket is blocking", what);
	is_int(fcntl(fd, F_GETFD), FD_CLOEXEC, "%s: the socket is closed on exec", what);
	close(fd);
	is_int(count_descriptors(), before, "%s: no descriptor is left", what);
}

static void
is_failure(const struct endpoint *endpoints, size_t count, int64_t timeout, int error, const char *what)
{
	struct address peer = { .length = 0 };
	char failure[DIAL_FAILURE] = "";
	struct dial_options options = until(timeout);
	int before = count_descriptors();

	is_int(dial(endpoints, count, &options, &peer, failure), -error, "%s", what);
	if (error == EHOSTUNREACH)
		ok(strncmp(failure, "cannot resolve " NO_NAME ": ", strlen("cannot resolve " NO_NAME ": ")) == 0 &&
		    failure[strlen("cannot resolve " NO_NAME ": ")] != '\0', "%s: %s", what, failure);
	else
		ok(strstr(failure, strerror(error)) != NULL && strstr(failure, ": ") != NULL,
		    "%s: the failure is told in words: %s", what, failure);
	is_int(count_descriptors(), before, "%s: no descriptor is left", what);
}

/* An address of WIRE where nobody listens any more. */
static struct address
nobody(enum wire wire)
{
	struct address a;

	close(listener(wire, 1, &a));
	return a;
}

static void
test_wire(enum wire wire)
{
	struct address a, gone = nobody(wire);
	int l = listener(wire, 5, &a);
	struct endpoint good = endpoint_of(&a), bad = endpoint_of(&gone), both[] = { bad, good }, worst[] = { bad, bad };

	is_reached(&good, 1, LONG, l, &a, wire_name(wire));
	is_failure(&bad, 1, LONG, ECONNREFUSED, "nobody listens");
	is_reached(both, 2, LONG, l, &a, "the first is down");
	is_failure(worst, 2, LONG, ECONNREFUSED, "both are down");
	close(l);
}

static void
test_unix_path(void)
{
	struct address a = { .sa.sa_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct endpoint e;

	snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", scratch_path("socket"));
	a.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a.un.sun_path) + 1);
	if (l == -1 || bind(l, &a.sa, a.length) == -1 || listen(l, 1) == -1)
		die("%s: %s", a.un.sun_path, strerror(errno));
	e = endpoint_of(&a);
	is_reached(&e, 1, LONG, l, &a, "a path");
	close(l);
	is_failure(&e, 1, LONG, ECONNREFUSED, "a path where nobody listens");
	unlink(a.un.sun_path);
	is_failure(&e, 1, LONG, ENOENT, "a path that is not there");
}

static void
test_names(void)
{
	struct address a4;
	int l = listener(WIRE_TCP4, 5, &a4);
	struct endpoint local = endpoint_named("localhost", address_port(&a4)), lost = endpoint_named(NO_NAME, 22);
	struct endpoint both[2];

	/* localhost may stand for ::1 as well, where nobody listens */
	is_reached(&local, 1, LONG, l, &a4, "a name");
	is_failure(&lost, 1, LONG, EHOSTUNREACH, "a name that there is not");
	both[0] = endpoint_named(NO_NAME, 22);
	both[1] = local;
	is_reached(both, 2, LONG, l, &a4, "the first is no name");
	close(l);
}

/*
 * A listener that answers no more: its backlog is full, so that the kernel drops what comes, as a firewall would.
 * FILLERS are the connections that fill it.
 */
#define FILLERS 16

static void
fill_backlog(const struct address *a, int fillers[FILLERS])
{
	for (int i = 0; i < FILLERS; i++) {
		fillers[i] = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fillers[i] == -1)
			die("socket: %s", strerror(errno));
		if (connect(fillers[i], &a->sa, a->length) == -1 && errno != EINPROGRESS && errno != EAGAIN)
			die("connect: %s", strerror(errno));
		if (i == 0 && a->sa.sa_family != AF_UNIX)
			poll_for(fillers[i], POLLOUT);
	}
}

static void
test_black_hole(enum wire wire)
{
	struct address hole_address, a;
	int hole = listener(wire, 0, &hole_address), l = listener(wire, 5, &a), fillers[FILLERS];
	struct endpoint silent = endpoint_of(&hole_address), good = endpoint_of(&a), both[] = { silent, good };
	struct endpoint three[] = { silent, silent, good };
	int64_t begin;

	fill_backlog(&hole_address, fillers);
	begin = clock_ms();
	is_failure(&silent, 1, 200, ETIMEDOUT, "one that does not answer");
	ok(clock_ms() - begin >= 195, "%s: an address that does not answer is waited for until the deadline", wire_name(wire));
	begin = clock_ms();
	is_reached(both, 2, 2000, l, &a, "the first does not answer");
	is_reached(three, 3, 3000, l, &a, "nor the second");
	ok(clock_ms() - begin < 5000, "addresses that do not answer leave the last one time to do so");
	is_failure(&silent, 1, -1000, ETIMEDOUT, "a deadline that has passed");
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(hole);
	close(l);
}

/* Where one does not answer, the next is tried beside it, and what is slow may still win. */
static void
test_beside(void)
{
	struct address hole_address, a, gone = nobody(WIRE_TCP4), peer;
	int hole = listener(WIRE_TCP4, 0, &hole_address), l = listener(WIRE_TCP4, 5, &a), fillers[FILLERS], before, fd;
	struct endpoint silent = endpoint_of(&hole_address), good = endpoint_of(&a), bad = endpoint_of(&gone);
	struct endpoint mixed[] = { silent, bad, silent, good, silent }, lost[] = { silent, bad, silent };
	struct dial_options options = { .deadline = clock_ms() + LONG, .stagger_ms = 20 };
	char failure[DIAL_FAILURE], expected[DIAL_FAILURE], text[ADDRESS_TEXT];

	fill_backlog(&hole_address, fillers);
	before = count_descriptors();
	fd = dial(mixed, 5, &options, &peer, failure);
	ok(fd >= 0 && reaches(fd, l), "two that do not answer and one that refuses: the one that answers is reached");
	is_int(fcntl(fd, F_GETFL) & O_NONBLOCK, 0, "one that was tried beside others: the socket is blocking");
	snprintf(expected, sizeof(expected), "%s: %s", address_format(&gone, text), strerror(ECONNREFUSED));
	is_str(failure, expected, "the one that refused is told");
	close(fd);
	is_int(count_descriptors(), before, "two that do not answer: no descriptor is left");

	/* a second from now the first has room again, and the kernel tries once more */
	options.deadline = clock_ms() + LONG;
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(accept(hole, NULL, NULL));
	fd = dial(lost, 3, &options, &peer, failure);
	ok(fd >= 0, "one that answers late is reached all the same, when all have been begun");
	close(fd);

	fill_backlog(&hole_address, fillers);
	options.deadline = clock_ms() + 300;
	before = count_descriptors();
	is_int(dial(lost, 3, &options, &peer, failure), -ETIMEDOUT, "none answers");
	snprintf(expected, sizeof(expected), "%s: %s; ", address_format(&gone, text), strerror(ECONNREFUSED));
	ok(strncmp(failure, expected, strlen(expected)) == 0 && strstr(failure, strerror(ETIMEDOUT)) != NULL,
	    "none answers: each is told: %s", failure);
	is_int(count_descriptors(), before, "none answers: no descriptor is left");
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(hole);
	close(l);
}

/* A backend that is not there yet. */
static void
test_retry(void)
{
	struct address a = nobody(WIRE_TCP4), peer;
	struct endpoint late = endpoint_of(&a);
	struct dial_options options = { .deadline = clock_ms() + LONG, .retry_ms = LONG };
	char failure[DIAL_FAILURE];
	pid_t pid = fork_child();
	int fd, l;

	if (pid == 0) {
		static const int on = 1;

		poll(NULL, 0, 350);
		l = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(l, &a.sa, a.length) < 0 || listen(l, 1) < 0)
			_exit(1);
		poll_for(l, POLLIN);
		_exit(accept(l, NULL, NULL) < 0);
	}
	fd = dial(&late, 1, &options, &peer, failure);
	ok(fd >= 0, "retry: one that listens late is reached");
	close(fd);
	is_int(wait_child(pid), 0, "retry: it was reached");
	options = (struct dial_options){ .deadline = clock_ms() + LONG, .retry_ms = 250 };
	is_int(dial(&late, 1, &options, &peer, failure), -ECONNREFUSED, "retry has an end");
	options = (struct dial_options){ .deadline = clock_ms() + 250, .retry_ms = LONG };
	is_int(dial(&late, 1, &options, &peer, failure), -ECONNREFUSED, "retry ends at the deadline");
}

int
main(void)
{
	for (int wire = WIRE_TCP4; wire <= WIRE_UNIX; wire++) {
		if (wire_works(wire))
			test_wire(wire);
		else
			ok(true, "%s # SKIP not on this machine", wire_name(wire));
	}
	test_unix_path();
	test_names();
	test_black_hole(WIRE_TCP4);
	test_black_hole(WIRE_UNIX);
	test_beside();
	test_retry();
	fixture_end();
	return done_testing();
}
