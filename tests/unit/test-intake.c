/* Each case runs in a child with descriptors and environment of its own, and says in a line what intake() found. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "fixture.h"
#include "net/intake.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 0, or what getpeername(2) and getsockname(2) fail with. */
static int peer_error, local_error;

/* The library's, but for a system that is short of something. */
int
getsockname(int fd, struct sockaddr *sa, socklen_t *length)
{
	if (local_error != 0) {
		errno = local_error;
		return -1;
	}
	return (int)syscall(SYS_getsockname, fd, sa, length);
}

int
getpeername(int fd, struct sockaddr *sa, socklen_t *length)
{
	if (peer_error != 0) {
		errno = peer_error;
		return -1;
	}
	return (int)syscall(SYS_getpeername, fd, sa, length);
}

/* Up to so many NAME, VALUE pairs; a VALUE of "$$" stands for the child's process id. */
#define NAMES 4

struct environment {
	const char *name[NAMES], *value[NAMES];
};

static void
set_environment(const struct environment *e)
{
	char pid[24];

	clearenv();
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	for (size_t i = 0; e != NULL && i < NAMES && e->name[i] != NULL; i++)
		setenv(e->name[i], strcmp(e->value[i], "$$") == 0 ? pid : e->value[i], 1);
}

static void
tell(int report, int r, struct connection *c, const char *reason)
{
	char line[512], peer[ADDRESS_TEXT], local[ADDRESS_TEXT];
	ssize_t written;
	int n;

	if (r < 0)
		n = snprintf(line, sizeof(line), "%s%s", strerror(-r),
		    reason == NULL ? ", of the system" : strlen(reason) < 20 ? " without a reason" : "");
	else
		n = snprintf(line, sizeof(line), "fd=%d %s peer=%s local=%s name=%s", c->fd,
		    c->family == AF_INET ? "tcp4" : c->family == AF_INET6 ? "tcp6" : c->family == AF_UNIX ? "unix" : "?",
		    address_format(&c->peer, peer), address_format(intake_local(c), local), c->name != NULL ? c->name : "-");
	written = write(report, line, (size_t)n);
	_exit(written != n);
}

/* Whom the intakes to come believe. */
static enum client_address believe;

/* What intake() says with SOCKET as descriptor AT and standard input otherwise /dev/null. */
static const char *
intake_of(int socket, int at, const struct environment *e)
{
	static char line[512];
	int report[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) == -1 || null == -1)
		die("pipe: %s", strerror(errno));
	pid = fork_child();
	if (pid == 0) {
		struct connection c = { .fd = -7 };
		const char *reason = NULL;
		int out = fcntl(report[1], F_DUPFD, 50), given = fcntl(socket, F_DUPFD, 51), r;

		if (dup2(null, 0) == -1 || dup2(given, at) == -1)
			_exit(98);
		for (int fd = 3; fd < 60; fd++)
			if (fd != at && fd != out)
				close(fd);
		set_environment(e);
		r = intake(&c, believe, &reason);
		tell(out, r, &c, reason);
	}
	close(report[1]);
	close(null);
	memset(line, 0, sizeof(line));
	receive(report[0], line, sizeof(line) - 1);
	close(report[0]);
	is_int(wait_child(pid), 0, "the process that takes the connection in ends with 0");
	return line;
}

static void
test_tcp(enum wire wire)
{
	struct pair p = pair_open(wire);
	struct address far = { .length = sizeof(far.in6) }, near = far;
	char want[512], peer[ADDRESS_TEXT], local[ADDRESS_TEXT];
	static const struct environment listen = { { "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES" }, { "$$", "1", "connection" } },
	    unnamed = { { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "1" } }, none = { { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "0" } },
	    other = { { "LISTEN_PID", "LISTEN_FDS" }, { "1", "1" } }, alone = { { "LISTEN_FDS" }, { "1" } },
	    lies = { { "REMOTE_ADDR", "REMOTE_PORT" }, { "192.0.2.1", "1" } },
	    stunnel = { { "REMOTE_HOST" }, { "192.0.2.7" } }, tcpserver = { { "REMOTE_HOST", "TCPREMOTEIP" }, { "192.0.2.7",
	    "127.0.0.1" } };

	getsockname(p.far, &far.sa, &far.length);
	getsockname(p.near, &near.sa, &near.length);
	address_format(&far, peer);
	address_format(&near, local);
	snprintf(want, sizeof(want), "fd=0 %s peer=%s local=%s name=-", wire_name(wire), peer, local);
	is_str(intake_of(p.near, 0, NULL), want, "%s on standard input", wire_name(wire));
	is_str(intake_of(p.near, 0, &other), want, "LISTEN_PID of another process is ignored");
	is_str(intake_of(p.near, 0, &alone), want, "LISTEN_FDS without LISTEN_PID is ignored");
	is_str(intake_of(p.near, 0, &none), want, "LISTEN_FDS=0 is ignored");
	is_str(intake_of(p.near, 0, &lies), want, "the kernel knows the peer better than the environment");
	is_str(intake_of(p.near, 0, &tcpserver), want, "REMOTE_HOST is left over where tcpserver has said who it is");
	believe = CLIENT_FROM_SOCKET;
	is_str(intake_of(p.near, 0, &stunnel), want, "client-address socket: REMOTE_HOST is not believed");
	believe = CLIENT_FROM_AUTO;
	snprintf(want, sizeof(want), "fd=0 %s peer=192.0.2.7:0 local=%s name=-", wire_name(wire), local);
	is_str(intake_of(p.near, 0, &stunnel), want, "a proxy on this machine names the client in REMOTE_HOST");
	snprintf(want, sizeof(want), "fd=0 %s peer=192.0.2.1:1 local=%s name=-", wire_name(wire), local);
	believe = CLIENT_FROM_ENVIRONMENT;
	is_str(intake_of(p.near, 0, &lies), want, "client-address environment: the environment is believed");
	believe = CLIENT_FROM_AUTO;
	snprintf(want, sizeof(want), "fd=3 %s peer=%s local=%s name=connection", wire_name(wire), peer, local);
	is_str(intake_of(p.near, 3, &listen), want, "%s from LISTEN_FDS", wire_name(wire));
	snprintf(want, sizeof(want), "fd=3 %s peer=%s local=%s name=-", wire_name(wire), peer, local);
	is_str(intake_of(p.near, 3, &unnamed), want, "a descriptor of LISTEN_FDS without LISTEN_FDNAMES has no name");
	pair_close(&p);
}

static void
test_listen_errors(void)
{
	static const struct environment cases[] = {
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "2" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "x" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "-1" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "1x" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "99999999999999999999" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "+1" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", " 1" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "2147483649" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "4294967297" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "18446744073709551617" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "x", "1" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "+1", "1" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { " 1", "1" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "2147483648", "1" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "4294967297", "1" } },
		{ { "LISTEN_PID", "LISTEN_FDS" }, { "", "1" } },
	};
	struct pair p = pair_open(WIRE_TCP4);

	for (size_t i = 0; i < COUNT(cases); i++)
		is_str(intake_of(p.near, 3, &cases[i]), strerror(EINVAL), "LISTEN_PID=%s LISTEN_FDS=%s", cases[i].value[0],
		    cases[i].value[1]);
	pair_close(&p);
}

/* A peer over a dual-stack listener is written as people expect. */
static void
test_mapped(void)
{
	struct address a = { .length = sizeof(a.in6) }, to = { 0 };
	int l = socket(AF_INET6, SOCK_STREAM, 0), no = 0, client, server;
	const char *got;

	a.in6.sin6_family = AF_INET6;
	if (l == -1 || setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) == -1 || bind(l, &a.sa, a.length) == -1 ||
	    listen(l, 1) == -1 || getsockname(l, &a.sa, &a.length) == -1) {
		ok(true, "dual stack # SKIP not on this machine");
		return;
	}
	address_from_text("127.0.0.1", NULL, &to);
	to.in.sin_port = a.in6.sin6_port;
	client = connect_to(&to);
	server = accept(l, NULL, NULL);
	got = intake_of(server, 0, NULL);
	ok(strstr(got, "peer=127.0.0.1:") != NULL, "an IPv4 peer of an IPv6 socket: %s", got);
	ok(strstr(got, "local=127.0.0.1:") != NULL, "the local side of an IPv4 peer of an IPv6 socket is IPv4");
	close(l);
	close(client);
	close(server);
}

/* A Unix socket does not tell where the client is; whoever accepted it may. */
static void
test_unix(void)
{
	static const struct {
		struct environment e;
		const char *peer, *local;
	} cases[] = {
		{ { { NULL }, { NULL } }, "unix", "unix" },
		{ { { "REMOTE_ADDR", "REMOTE_PORT" }, { "203.0.113.9", "51234" } }, "203.0.113.9:51234", "unix" },
		{ { { "REMOTE_ADDR", "REMOTE_PORT" }, { "::ffff:203.0.113.9", "51234" } }, "203.0.113.9:51234", "unix" },
		{ { { "REMOTE_ADDR", "REMOTE_PORT" }, { "2001:db8::1", "51234" } }, "[2001:db8::1]:51234", "unix" },
		{ { { "REMOTE_ADDR" }, { "203.0.113.9" } }, "203.0.113.9:0", "unix" },
		{ { { "REMOTE_HOST" }, { "203.0.113.9" } }, "203.0.113.9:0", "unix" },
		{ { { "REMOTE_HOST", "REMOTE_PORT" }, { "203.0.113.9", "7" } }, "203.0.113.9:7", "unix" },
		{ { { "REMOTE_HOST" }, { "client.example.org" } }, "unix", "unix" },
		{ { { "TCPREMOTEIP", "TCPREMOTEPORT" }, { "203.0.113.9", "51234" } }, "203.0.113.9:51234", "unix" },
		{ { { "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT" }, { "203.0.113.9", "7", "192.0.2.1", "443" } },
		    "203.0.113.9:7", "192.0.2.1:443" },
		{ { { "REMOTE_ADDR", "REMOTE_PORT", "TCPREMOTEIP", "TCPREMOTEPORT" }, { "203.0.113.9", "1", "203.0.113.8", "2" } },
		    "203.0.113.9:1", "unix" },
		{ { { "REMOTE_ADDR", "REMOTE_PORT" }, { "nonsense", "51234" } }, "unix", "unix" },
	};
	struct pair p = pair_open(WIRE_UNIX);
	char want[512];

	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(want, sizeof(want), "fd=0 unix peer=%s local=%s name=-", cases[i].peer, cases[i].local);
		is_str(intake_of(p.near, 0, &cases[i].e), want, "unix, case %zu: %s", i, cases[i].peer);
	}
	pair_close(&p);
}

/* A client that has gone already is a connection all the same. */
static void
test_gone(void)
{
	static const struct environment e = { { "REMOTE_ADDR", "REMOTE_PORT" }, { "203.0.113.9", "51234" } };
	struct pair p = pair_open(WIRE_TCP4);
	const char *got;

	reset(p.far);
	p.far = -1;
	got = intake_of(p.near, 0, &e);
	ok(strncmp(got, "fd=0 tcp4 peer=203.0.113.9:51234 ", 33) == 0, "reset: %s", got);
	got = intake_of(p.near, 0, NULL);
	ok(strncmp(got, "fd=0 tcp4 peer=unknown ", 23) == 0, "reset, and nobody tells the peer: %s", got);
	pair_close(&p);
}

/* A client that cannot be asked for is not one that has gone, whatever the environment says. */
static void
test_system(void)
{
	static const int errors[] = { ENOBUFS, ENOMEM, EIO, EPERM };
	static const struct environment e = { { "REMOTE_ADDR", "REMOTE_PORT" }, { "203.0.113.9", "51234" } };
	struct pair p = pair_open(WIRE_TCP4);
	char want[512];

	for (size_t i = 0; i < COUNT(errors); i++) {
		peer_error = errors[i];
		snprintf(want, sizeof(want), "%s, of the system", strerror(errors[i]));
		is_str(intake_of(p.near, 0, NULL), want, "getpeername: %s", strerror(errors[i]));
		is_str(intake_of(p.near, 0, &e), want, "getpeername fails, and the environment names the client: that is believed");
	}
	peer_error = ENOTCONN;
	ok(strncmp(intake_of(p.near, 0, NULL), "fd=0 tcp4 peer=unknown ", 23) == 0,
	    "getpeername says that the client has gone: it is unknown");
	peer_error = 0;
	pair_close(&p);
}

/* Nor is an address of ours that cannot be asked for one that there is not, whatever the environment says. */
static void
test_system_local(void)
{
	static const int errors[] = { ENOBUFS, ENOMEM, EIO, EPERM };
	static const struct environment e = { { "TCPLOCALIP", "TCPLOCALPORT" }, { "203.0.113.9", "443" } };
	static const enum wire wires[] = { WIRE_TCP4, WIRE_UNIX };
	char text[ADDRESS_TEXT];

	set_environment(&e);
	for (size_t w = 0; w < COUNT(wires); w++) {
		struct pair p = pair_open(wires[w]);
		struct connection good = { .fd = p.near };

		intake_local(&good);
		ok(address_is_ip(&good.local) && good.local_error == 0, "%s: the local side is known", wire_name(wires[w]));
		for (size_t i = 0; i < COUNT(errors); i++) {
			struct connection c = { .fd = p.near };

			local_error = errors[i];
			is_str(address_format(intake_local(&c), text), "unknown", "getsockname: %s", strerror(errors[i]));
			is_int(c.local_error, -errors[i], "getsockname fails: the error is told");
			local_error = 0;
			is_str(address_format(intake_local(&c), text), "unknown",
			    "getsockname fails, asked again: what was told stays");
			is_int(c.local_error, -errors[i], "getsockname fails, asked again: the error stays");
		}
		pair_close(&p);
	}
	set_environment(NULL);
}

static void
test_refused(void)
{
	struct address a;
	struct pair pipes;
	int fd[2], l;
	const char *got;

	if (pipe2(fd, O_CLOEXEC) == -1)
		die("pipe: %s", strerror(errno));
	is_str(intake_of(fd[0], 0, NULL), strerror(ENOTSOCK), "a pipe on standard input is refused");
	close(fd[0]);
	close(fd[1]);
	fd[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	is_str(intake_of(fd[0], 0, NULL), strerror(ENOTSOCK), "/dev/null on standard input is refused");
	close(fd[0]);
	fd[0] = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	is_str(intake_of(fd[0], 0, NULL), strerror(ENOTSOCK), "a file on standard input is refused");
	close(fd[0]);
	fd[0] = open("/dev/ptmx", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd[0] == -1) {
		ok(true, "a terminal # SKIP no pseudo-terminals here");
	} else {
		is_str(intake_of(fd[0], 0, NULL), strerror(ENOTSOCK), "a terminal on standard input is refused");
		close(fd[0]);
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fd) == -1)
		die("socketpair: %s", strerror(errno));
	is_str(intake_of(fd[0], 0, NULL), strerror(EPROTOTYPE), "a datagram socket is refused");
	close(fd[0]);
	close(fd[1]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
		die("socketpair: %s", strerror(errno));
	is_str(intake_of(fd[0], 0, NULL), strerror(EPROTOTYPE), "a sequenced packet socket is refused");
	close(fd[0]);
	close(fd[1]);
	fd[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	is_str(intake_of(fd[0], 0, NULL), strerror(EPROTOTYPE), "a UDP socket is refused");
	close(fd[0]);
	for (int wire = WIRE_TCP4; wire <= WIRE_UNIX; wire += WIRE_UNIX - WIRE_TCP4) {
		static const struct environment e = { { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "1" } };

		l = listener(wire, 1, &a);
		is_str(intake_of(l, 0, NULL), strerror(ENOTCONN), "a listening socket is refused");
		is_str(intake_of(l, 3, &e), strerror(ENOTCONN), "a listening socket from LISTEN_FDS is refused");
		close(l);
	}
	/* what is announced is used, or nothing */
	pipes = pair_open(WIRE_UNIX);
	fd[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	got = intake_of(fd[0], 3, &(struct environment){ { "LISTEN_PID", "LISTEN_FDS" }, { "$$", "1" } });
	is_str(got, strerror(ENOTSOCK), "a file from LISTEN_FDS is refused");
	close(fd[0]);
	pair_close(&pipes);
}

static void
test_environment_alone(void)
{
	static const struct environment e = { { "REMOTE_ADDR", "REMOTE_PORT", "TCPLOCALIP", "TCPLOCALPORT" },
	    { "203.0.113.9", "51234", "192.0.2.1", "443" } };
	struct connection c;
	char text[ADDRESS_TEXT];

	set_environment(&e);
	intake_environment(&c);
	is_int(c.fd, -1, "the environment alone: there is no descriptor");
	is_str(address_format(&c.peer, text), "203.0.113.9:51234", "the environment alone: it tells the peer");
	is_str(address_format(intake_local(&c), text), "192.0.2.1:443", "the environment alone: it tells the local side");
	set_environment(NULL);
	intake_environment(&c);
	is_str(address_format(&c.peer, text), "unknown", "an empty environment: the peer is unknown");
	is_str(address_format(intake_local(&c), text), "unknown", "an empty environment: the local side is unknown");
}

int
main(void)
{
	test_tcp(WIRE_TCP4);
	if (wire_works(WIRE_TCP6))
		test_tcp(WIRE_TCP6);
	else
		ok(true, "tcp6 # SKIP not on this machine");
	test_listen_errors();
	test_mapped();
	test_unix();
	test_gone();
	test_system();
	test_system_local();
	test_refused();
	test_environment_alone();
	return done_testing();
}
