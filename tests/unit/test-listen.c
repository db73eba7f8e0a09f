/*
 * The parent's answers to what a system rarely says: every errno of accept(2), no more processes, children that crash.  It runs
 * in a process of its own, and logs to a file.  What can be seen from outside is in tests/run/run-listen.sh.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>

#include "fixture.h"
#include "rule/grammar.h"
#include "listen/listen.h"
#include "base/log.h"
#include "options.h"
#include "tap.h"

/* What accept(2) is to say, so many times, before it does its work; to the parent and to its children. */
static struct refusal {
	int error, times;
} *refusal;

/* The library's, but for that. */
int
accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
	if (refusal->times > 0) {
		refusal->times--;
		errno = refusal->error;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, address, length, flags);
}

/* What is waited for is looked for so often, every 10 ms. */
#define PATIENCE 6000

/* A parent that listens. */
struct server {
	pid_t pid;
	struct address address;
	char log[128];
};

/* What it does before it listens. */
static void
nothing(void)
{
}

static int
read_again(int argc, char **argv, struct settings *ret, struct rules *rules, struct complaint *complaint)
{
	struct options options;
	int r;

	options_defaults(&options);
	r = options_parse(argc, argv, &options, rules, complaint);
	*ret = options.settings;
	return r;
}

static void
serve_here(int fd, const char *const words[])
{
	static struct rules rules, spare;
	static char *argv[16];
	struct listeners listeners = { .count = 1, .each = { { .fd = fd, .family = AF_INET } } };
	static struct storage storage;
	struct options options;
	struct complaint complaint;
	int argc = 0;

	for (; words[argc] != NULL; argc++)
		argv[argc] = strdup(words[argc]);
	log_open(LOG_TO_STDERR, -1);
	options_defaults(&options);
	if (options_parse(argc, argv, &options, &rules, &complaint) < 0)
		die("%s", complaint.text);
	_exit(listen_serve(&listeners, &storage, &rules, &spare, &options.settings, read_again, argc, argv));
}

static void
start(struct server *ret, void (*prepare)(void), const char *const words[])
{
	static int number;
	int fd = listener(WIRE_TCP4, 64, &ret->address), err;
	char name[32];

	snprintf(name, sizeof(name), "log-%d", ++number);
	snprintf(ret->log, sizeof(ret->log), "%s", scratch_path(name));
	err = open(ret->log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
	if (err == -1)
		die("%s: %s", ret->log, strerror(errno));
	ret->pid = fork_child();
	if (ret->pid == 0) {
		dup2(err, 2);
		prepare();
		serve_here(fd, words);
	}
	close(fd);
	close(err);
}

/* How often TEXT stands in the log. */
static int
logged(const struct server *s, const char *text)
{
	static char all[65536];
	int fd = open(s->log, O_RDONLY | O_CLOEXEC), n = 0;
	size_t length;

	if (fd == -1)
		die("%s: %s", s->log, strerror(errno));
	length = receive(fd, all, sizeof(all) - 1);
	close(fd);
	all[length] = '\0';
	for (const char *at = all; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

/* Wait, bounded, until it is there. */
static bool
logs(const struct server *s, const char *text)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (logged(s, text) > 0)
			return true;
		poll(NULL, 0, 10);
	}
	printf("# waited for a line of the log with: %s\n", text);
	return false;
}

/* Whether a connection gets the answer. */
static bool
answers(const struct server *s)
{
	char text[8] = "";
	int fd = connect_to(&s->address);

	send_text(fd, "x");
	receive(fd, text, 5);
	close(fd);
	return strcmp(text, "hello") == 0;
}

static void
stop(struct server *s)
{
	kill(s->pid, SIGTERM);
	is_int(wait_child(s->pid), 0, "the parent ends with 0 after SIGTERM");
}

/* The child that is ready for the next connection, when there is no connection; 0: there is none. */
static pid_t
ready_child(const struct server *s)
{
	char path[64], text[32] = "";
	int looks = 0;
	pid_t last = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)s->pid, (int)s->pid);
	for (int i = 0; i < PATIENCE; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);

		if (fd == -1)
			die("%s: %s", path, strerror(errno));
		close(fd);
		/* alone: others serve a connection, or have.  For a while: the last may be alone before the next is made. */
		if (n <= 0 || strchr(text, ' ') != text + n - 1)
			looks = 0;
		else if (atoi(text) != last) {
			last = (pid_t)atoi(text);
			looks = 1;
		} else if (++looks == 10)
			return last;
		poll(NULL, 0, 10);
	}
	printf("# waited for a child that is alone\n");
	return 0;
}

/*
 * A server whose accept(2) says ERROR, so many TIMES: to the parent, which accepts as long as a client is waiting, or to the child
 * that waits for one that comes LATER.
 */
static void
start_refusing(struct server *ret, int error, int times, bool later)
{
	static const char *const words[] = { "usher", "any reply hello", NULL };

	*refusal = (struct refusal){ error, later ? 0 : times };
	start(ret, nothing, words);
	if (later) {
		ok(ready_child(ret) > 0, "accept: a child is ready before it is refused");
		refusal->times = times;
	}
}

/* Errors of one connection, or of nothing at all: the next one is served and nobody is bothered. */
static void
test_passing(void)
{
	static const int errors[] = {
		EINTR, EAGAIN, ECONNABORTED, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET,
		EOPNOTSUPP, EPERM,
		ETIMEDOUT,
	};

	for (size_t i = 0; i < 2 * sizeof(errors) / sizeof(errors[0]); i++) {
		int error = errors[i / 2];
		struct server s;

		start_refusing(&s, error, 1, i % 2);
		ok(answers(&s), "accept: %s: the next connection is served", strerror(error));
		is_int(logged(&s, "accept"), 0, "accept: an error of one connection is not logged");
		stop(&s);
	}
}

/* Something has run out: pause, tell once, go on. */
static void
test_shortage(void)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS };

	for (size_t i = 0; i < 2 * sizeof(errors) / sizeof(errors[0]); i++) {
		int error = errors[i / 2];
		struct server s;

		start_refusing(&s, error, 5, i % 2);
		ok(answers(&s), "accept: %s five times: the connection is served then", strerror(error));
		is_int(logged(&s, "pausing"), 1, "accept: that something has run out is told once");
		is_int(logged(&s, strerror(error)), 1, "accept: that something has run out is told with the reason");
		stop(&s);
	}
}

/* A listener that is none is no reason to spin. */
static void
test_broken(void)
{
	for (int later = 0; later < 2; later++) {
		struct server s;
		int fd;

		start_refusing(&s, EINVAL, 1, later);
		fd = connect_to(&s.address);
		is_int(wait_child(s.pid), EX_OSERR, "accept: %s: the parent ends with EX_OSERR", strerror(EINVAL));
		is_int(logged(&s, strerror(EINVAL)), 1, "accept: a listener that is none is told");
		close(fd);
	}
}

/* The limit counts a user's processes on the whole machine, so that each run of this test has a user of its own. */
static uid_t own_user;

/* Become a user who may have two processes. */
static void
two_processes(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NPROC, &limit) == -1)
		_exit(77);
	limit.rlim_cur = 2;
	if (setrlimit(RLIMIT_NPROC, &limit) == -1 || setgid(own_user) == -1 || setuid(own_user) == -1)
		_exit(77);
}

/* Whether such a user may: qemu-user has a thread beside each process, which counts as one. */
static bool
two_processes_work(void)
{
	pid_t pid = fork_child();

	if (pid == 0) {
		two_processes();
		pid = fork_child();
		_exit(pid == 0 ? 0 : wait_child(pid));
	}
	return wait_child(pid) == 0;
}

static void
test_no_process(void)
{
	static const char *const words[] = { "usher", "any reply hello", NULL };
	struct server s;
	char byte = 0;
	int fd, ready[2];
	pid_t other;

	if (getuid() != 0 || pipe2(ready, O_CLOEXEC) == -1) {
		ok(true, "fork fails # SKIP needs root, to become somebody else");
		return;
	}
	if (!two_processes_work()) {
		ok(true, "fork fails # SKIP a user who may have two processes cannot have two");
		return;
	}
	own_user = 1000000000 + (uid_t)getpid();
	other = fork_child();
	if (other == 0) {
		close(ready[0]);
		two_processes();
		if (write(ready[1], "x", 1) != 1)
			_exit(98);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (receive(ready[0], &byte, 1) != 1) {
		ok(true, "fork fails # SKIP cannot become a user of its own");
		wait_child(other);
		close(ready[0]);
		return;
	}
	start(&s, two_processes, words);
	for (int i = 0; i < 3; i++) {
		fd = connect_to(&s.address);
		is_int((int)receive(fd, &byte, 1), 0, "fork fails: the client is refused");
		close(fd);
	}
	is_int(logged(&s, "fork: Resource temporarily unavailable; pausing"), 1, "fork fails: it is told once");
	kill(other, SIGKILL);
	wait_child(other);
	ok(answers(&s), "fork works again: the client is served");
	stop(&s);
	close(ready[0]);
}

static void
ignore_children(void)
{
	signal(SIGCHLD, SIG_IGN);
}

/* Whoever started us did not care for children; we have to count ours. */
static void
test_ignored(void)
{
	static const char *const words[] = { "usher", "--max-connections", "1", "any reply hello", NULL };
	struct server s;

	start(&s, ignore_children, words);
	for (int i = 0; i < 3; i++)
		ok(answers(&s), "SIGCHLD was ignored: connection %d of one at a time", i + 1);
	stop(&s);
}

static void
test_crash(void)
{
	static const char *const words[] = { "usher", "--max-connections", "1", "text=crash exec /bin/sh -c 'kill -SEGV $$'",
	    "text=term exec /bin/sh -c 'kill -TERM $$'", "any reply hello", NULL };
	struct server s;
	char byte;
	int fd;

	start(&s, nothing, words);
	fd = connect_to(&s.address);
	send_text(fd, "crash");
	is_int((int)receive(fd, &byte, 1), 0, "a process that crashes costs its connection");
	close(fd);
	ok(logs(&s, "was killed by signal 11"), "a process that crashes is told");
	ok(answers(&s), "after a process that crashed the next connection is served");
	fd = connect_to(&s.address);
	send_text(fd, "term");
	is_int((int)receive(fd, &byte, 1), 0, "a process that somebody ended costs its connection");
	close(fd);
	ok(answers(&s), "after a process that somebody ended the next connection is served");
	is_int(logged(&s, "was killed by signal"), 1, "a process that somebody ended is not told as a crash");
	stop(&s);
}

/* A limit in the file counts from the next reload on, upwards too. */
static void
test_reload_limit(void)
{
	static const char one[] = "set max-connections 1\nset when-full refuse\nany exec /bin/cat\n",
	    two[] = "set max-connections 2\nset when-full refuse\nany exec /bin/cat\n";
	char path[128];
	const char *words[] = { "usher", "--config", path, NULL };
	struct server s;
	char byte = 0;
	int fd[3];

	snprintf(path, sizeof(path), "%s", scratch_file(one, sizeof(one) - 1));
	start(&s, nothing, words);
	for (int i = 0; i < 2; i++)
		fd[i] = connect_to(&s.address);
	send_text(fd[0], "1");
	ok(receive(fd[0], &byte, 1) == 1 && byte == '1', "max-connections 1: one connection is served");
	is_int((int)receive(fd[1], &byte, 1), 0, "max-connections 1: the second connection is refused");
	scratch_file(two, sizeof(two) - 1);
	kill(s.pid, SIGHUP);
	ok(logs(&s, "read 1 rule"), "SIGHUP: the rule file with another limit is read");
	close(fd[1]);
	for (int i = 1; i < 3; i++)
		fd[i] = connect_to(&s.address);
	send_text(fd[1], "2");
	ok(receive(fd[1], &byte, 1) == 1 && byte == '2', "max-connections 2 after a reload: two connections are served");
	is_int((int)receive(fd[2], &byte, 1), 0, "max-connections 2 after a reload: the third connection is refused");
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	stop(&s);
}

/* Whether nobody listens any more, soon. */
static bool
is_closed(const struct server *s)
{
	for (int i = 0; i < PATIENCE; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r = connect(fd, &s->address.sa, s->address.length);

		close(fd);
		if (r == -1)
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

/* The child that is ready: whatever becomes of it, the next connection is served. */
static void
test_ready(void)
{
	static const char *const words[] = { "usher", "any reply hello", NULL };
	struct server s;
	pid_t first, second;

	start(&s, nothing, words);
	first = ready_child(&s);
	kill(first, SIGKILL);
	ok(answers(&s), "somebody ends the child that is ready: the next is served");
	ok(logs(&s, "was killed by signal 9"), "somebody ends the child that is ready: it is told");
	for (int i = 0; i < 20; i++)
		ok(answers(&s), "somebody ends the child that is ready: the others are served");

	/* one that does not heed must not hold up a reload for ever */
	second = ready_child(&s);
	ok(second > 0 && second != first, "somebody ends the child that is ready: another gets ready");
	kill(second, SIGSTOP);
	kill(s.pid, SIGHUP);
	ok(logs(&s, "read 1 rule"), "somebody stops the child that is ready: a reload happens all the same");
	ok(answers(&s), "somebody stops the child that is ready: the next connection is served");
	is_int(kill(second, 0), -1, "somebody stops the child that is ready: a reload ends it");

	ok(ready_child(&s) > 0, "after the reload a child is ready again");
	kill(s.pid, SIGKILL);
	wait_child(s.pid);
	ok(is_closed(&s), "the child that is ready ends with its parent, and nobody listens");
}

int
main(void)
{
	refusal = mmap(NULL, sizeof(*refusal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (refusal == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	test_passing();
	test_shortage();
	test_broken();
	test_no_process();
	test_ignored();
	test_crash();
	test_reload_limit();
	test_ready();
	fixture_end();
	return done_testing();
}
