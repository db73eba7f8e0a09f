/* What a program gets from exec_program() beside what it gets when it is run on the socket directly, as an inetd would. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "fixture.h"
#include "serve/exec.h"
#include "base/log.h"
#include "net/sniff.h"
#include "tap.h"

#define HELLO "SSH-2.0-OpenSSH_9.2p1\r\nmore"

static struct sniff sniff;

/* The program that writes down what it was given; make check runs us at the top of the build folder. */
static char program[PATH_MAX];

/* A case: how usher was started and what it found.  err_is_client: descriptor 2 is the connection. */
struct scene {
	enum wire wire;
	bool listen_fds, err_is_client;
	const struct probe *probe;
	const struct reading *reading;
	char *argv[4];
};

static void
default_signals(void)
{
	sigset_t none;

	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
close_from(int first)
{
	for (int fd = first; fd < 1024; fd++)
		close(fd);
}

/* As an inetd does it: the socket on 0 and 1, nothing else, a clean slate. */
static void
run_directly(int fd, const struct scene *s)
{
	int null = open("/dev/null", O_WRONLY);

	if (dup2(null, 2) == -1 || dup2(fd, 0) == -1 || dup2(fd, 1) == -1)
		_exit(98);
	close_from(3);
	default_signals();
	execv(s->argv[0], s->argv);
	_exit(97);
}

static void
handler(int number)
{
	(void)number;
}

/* As usher is when it hands over: it has peeked, has descriptors of its own, and signals are not as they should be. */
static void
run_by_exec_program(int fd, const struct scene *s)
{
	struct connection c = { .fd = s->listen_fds ? 3 : 0, .family = wire_family(s->wire) };
	struct action action = { .kind = ACTION_EXEC };
	const char *what[2];
	sigset_t set;
	int null = open("/dev/null", O_WRONLY), strays[2];

	fd = fcntl(fd, F_DUPFD, 20);
	if (dup2(s->err_is_client ? fd : null, 2) == -1 || dup2(fd, c.fd) == -1 || dup2(null, s->listen_fds ? 0 : 1) == -1)
		_exit(98);
	close_from(20);
	/* strays, one far up */
	if (dup2(null, 200) == -1 || open("/", O_RDONLY) == -1 || pipe(strays) == -1)
		_exit(98);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGHUP, handler);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);

	if (s->wire != WIRE_UNIX)
		address_from_text(s->wire == WIRE_TCP4 ? "203.0.113.9" : "2001:db8::9", "51234", &c.peer);
	sniff_begin(&sniff, c.fd, c.family);
	while (sniff.have < sizeof(HELLO) - 1)
		if (sniff_wait(&sniff, sizeof(HELLO) - 1, clock_ms() + 10000) != 0)
			_exit(96);
	if (sniff_wait(&sniff, sizeof(HELLO), clock_ms() + 20) != -ETIMEDOUT)
		_exit(95);
	sniff_end(&sniff, false);
	log_open(LOG_TO_AUTO, c.fd);
	action.argv = (char **)s->argv;
	_exit(-exec_program(&c, &action, s->probe, s->reading, what) == ENOENT ? 127 : 126);
}

/* The report of one run, less the environment where that is asked for.  TEXT stays ours. */
static const char *
report_of(void (*run)(int fd, const struct scene *s), struct scene *s, bool environment)
{
	static char text[65536], line[8192];
	struct pair p = pair_open(s->wire);
	FILE *f;
	pid_t pid;
	int status;

	send_text(p.far, HELLO);
	pid = fork_child();
	if (pid == 0) {
		close(p.far);
		run(p.near, s);
	}
	status = wait_child(pid);
	pair_close(&p);
	is_int(status, 0, "%s: the program was run", wire_name(s->wire));
	text[0] = '\0';
	f = fopen(s->argv[1], "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if ((strncmp(line, "env ", 4) == 0) == environment && strlen(text) + strlen(line) < sizeof(text))
			strcat(text, line);
	if (f != NULL)
		fclose(f);
	unlink(s->argv[1]);
	return text;
}

/* The ignored ones of the 31 signals with names.  A parent's posix_spawn(3) may leave 32 and 33, glibc's own, ignored for good. */
static unsigned long
ignored(const char *report)
{
	const char *line = strstr(report, "status SigIgn:\t");

	return line != NULL ? strtoul(line + strlen("status SigIgn:\t"), NULL, 16) & 0x7fffffff : ~0UL;
}

/* Everything but the environment must be what an inetd gives. */
static void
test_pristine(enum wire wire, bool listen_fds, bool err_is_client)
{
	struct scene s = { .wire = wire, .listen_fds = listen_fds, .err_is_client = err_is_client };
	char *direct;

	s.argv[0] = program;
	s.argv[1] = strdup(scratch_path("report"));
	s.argv[2] = strdup("an argument with spaces");
	direct = strdup(report_of(run_directly, &s, false));
	if (!ok(strstr(direct, "unread 27 5353482d322e302d") != NULL && ignored(direct) == 0 &&
	    strstr(direct, "fd 0 socket O_RDWR blocking kept\n") != NULL, "the report is one"))
		printf("# got: %s", direct);
	is_str(report_of(run_by_exec_program, &s, false), direct,
	    "%s%s%s: the program finds what an inetd would have given it", wire_name(wire),
	    listen_fds ? ", from LISTEN_FDS" : "", err_is_client ? ", standard error is the client's" : "");
	free(direct);
	free(s.argv[1]);
	free(s.argv[2]);
}

/* What the local side is called is for the kernel to say; take its numbers out of the report. */
static void
mask_local_port(char *text)
{
	char *at = strstr(text, "env TCPLOCALPORT="), *end;

	if (at == NULL)
		return;
	at += strlen("env TCPLOCALPORT=");
	end = at + strspn(at, "0123456789");
	if (end > at) {
		*at = 'N';
		memmove(at + 1, end, strlen(end) + 1);
	}
}

static void
test_environment(enum wire wire, bool probed, const char *want)
{
	static const struct attribute attributes[] = {
		{ "sni", { (const uint8_t *)"git.example.org", 15 } },
		{ "alpn", { (const uint8_t *)"h2", 2 } },
		{ "alpn", { (const uint8_t *)"http/1.1", 8 } },
		{ "version", { (const uint8_t *)"1.3", 3 } },
	};
	struct reading reading = { .count = probed ? 4 : 0, .complete = true };
	struct scene s = { .wire = wire, .probe = probed ? probe_find("tls") : NULL, .reading = &reading };
	char *got;

	memcpy(reading.attribute, attributes, sizeof(attributes));
	s.argv[0] = program;
	s.argv[1] = strdup(scratch_path("report"));
	got = strdup(report_of(run_by_exec_program, &s, true));
	mask_local_port(got);
	is_str(got, want, "%s: the environment of the program%s", wire_name(wire), probed ? ", protocol known" : "");
	free(got);
	free(s.argv[1]);
}

/* A peer that has no address: what stood in the environment under our names was somebody else's. */
static void
test_unix_environment(void)
{
	struct reading reading = { 0 };
	struct scene s = { .wire = WIRE_UNIX, .reading = &reading };
	const char *got;

	s.argv[0] = program;
	s.argv[1] = strdup(scratch_path("report"));
	got = report_of(run_by_exec_program, &s, true);
	ok(strstr(got, "env HOME=/root\n") != NULL, "unix: the environment is kept");
	ok(strstr(got, "=old\n") == NULL, "unix: nothing in the environment is left from another connection");
	free(s.argv[1]);
}

/* An environment in which every name that exec_program() knows stands already, and some that only look alike. */
static void
set_environment(void)
{
	static const char *const entries[][2] = {
		{ "HOME", "/root" },
		{ "PATH", "/usr/bin" },
		{ "LISTENER", "kept" },
		{ "LISTEN_FDS", "1" },
		{ "LISTEN_PID", "1" },
		{ "LISTEN_FDNAMES", "connection" },
		{ "NOTIFY_SOCKET", "/run/x" },
		{ "WATCHDOG_PID", "1" },
		{ "WATCHDOG_USEC", "1" },
		{ "PROTO", "old" },
		{ "REMOTE_ADDR", "old" },
		{ "REMOTE_PORT", "old" },
		{ "TCPLOCALIP", "old" },
		{ "TCPLOCALPORT", "old" },
		{ "TCPREMOTEIP", "old" },
		{ "TCPREMOTEPORT", "old" },
		{ "USHER_PROTOCOL", "old" },
		{ "USHER_SNI", "old" },
	};

	clearenv();
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (setenv(entries[i][0], entries[i][1], 1) == -1)
			die("setenv: %s", strerror(errno));
}

/* A program that cannot be run leaves us to tell. */
static void
test_failure(const char *path, int status, const char *what)
{
	struct reading reading = { 0 };
	struct scene s = { .wire = WIRE_TCP4, .reading = &reading };
	struct pair p = pair_open(WIRE_TCP4);
	pid_t pid;

	s.argv[0] = strdup(path);
	send_text(p.far, HELLO);
	pid = fork_child();
	if (pid == 0)
		run_by_exec_program(p.near, &s);
	is_int(wait_child(pid), status, "%s", what);
	pair_close(&p);
	free(s.argv[0]);
}

int
main(void)
{
	if (realpath("tests/helpers/report", program) == NULL)
		die("tests/helpers/report: %s", strerror(errno));
	umask(027);
	set_environment();
	for (int wire = WIRE_TCP4; wire <= WIRE_UNIX; wire++) {
		if (!wire_works(wire)) {
			ok(true, "%s # SKIP not on this machine", wire_name(wire));
			continue;
		}
		if (!wire_peeks(wire)) {
			ok(true, "%s # SKIP there is no SO_PEEK_OFF", wire_name(wire));
			continue;
		}
		test_pristine(wire, false, false);
		test_pristine(wire, true, false);
		test_pristine(wire, false, true);
	}
	test_environment(WIRE_TCP4, true,
	    "env HOME=/root\nenv LISTENER=kept\nenv PATH=/usr/bin\nenv PROTO=TCP\nenv REMOTE_ADDR=203.0.113.9\n"
	    "env REMOTE_PORT=51234\nenv TCPLOCALIP=127.0.0.1\nenv TCPLOCALPORT=N\nenv TCPREMOTEIP=203.0.113.9\n"
	    "env TCPREMOTEPORT=51234\nenv USHER_ALPN=h2,http/1.1\nenv USHER_PROTOCOL=tls\nenv USHER_SNI=git.example.org\n"
	    "env USHER_VERSION=1.3\n");
	test_environment(WIRE_TCP4, false,
	    "env HOME=/root\nenv LISTENER=kept\nenv PATH=/usr/bin\nenv PROTO=TCP\nenv REMOTE_ADDR=203.0.113.9\n"
	    "env REMOTE_PORT=51234\nenv TCPLOCALIP=127.0.0.1\nenv TCPLOCALPORT=N\nenv TCPREMOTEIP=203.0.113.9\n"
	    "env TCPREMOTEPORT=51234\n");
	if (wire_peeks(WIRE_UNIX))
		test_unix_environment();
	test_failure("/nonexistent/program", 127, "a program that is not there");
	test_failure("/", 126, "a program that cannot be run");
	test_failure(scratch_file("#!/bin/sh\n", 10), 126, "a file that is not executable");
	fixture_end();
	return done_testing();
}
