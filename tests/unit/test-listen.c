/*
 * The parent's answers to what a system rarely says: every errno of accept(2), no more processes, children that crash.  It runs
 * in a process of its own, and logs to a file.  What can be seen from outside is in tests/run/run-listen.sh.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sysexits.h>

#include "fixture.h"
#include "grammar.h"
#include "listen.h"
#include "log.h"
#include "options.h"
#include "tap.h"

/* What accept(2) is to say, so many times, before it does its work. */
static struct {
	int error, times;
} refusal;

/* The library's, but for that. */
int
accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
	if (refusal.times > 0) {
		refusal.times--;
		errno = refusal.error;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, address, length, flags);
}

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

static void
serve_here(int fd, const char *const words[])
{
	static struct rules rules, spare;
	static char *argv[16];
	struct listeners listeners = { .count = 1, .each = { { .fd = fd, .family = AF_INET } } };
	struct settings settings;
	struct complaint complaint;
	int argc = 0;

	for (; words[argc] != NULL; argc++)
		argv[argc] = strdup(words[argc]);
	log_open(LOG_TO_STDERR, -1);
	options_defaults(&settings);
	if (options_parse(argc, argv, &settings, &rules, &complaint) < 0)
		die("%s", complaint.text);
	_exit(listen_serve(&listeners, &rules, &spare, &settings, argc, argv));
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
	for (int i = 0; i < 500; i++) {
		if (logged(s, text) > 0)
			return true;
		poll(NULL, 0, 10);
	}
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
	is_int(wait_child(s->pid), 0, "it ends well");
}

static void
refuse_once(void)
{
	refusal.times = 1;
}

/* Errors of one connection, or of nothing at all: the next one is served and nobody is bothered. */
static void
test_passing(void)
{
	static const int errors[] = {
		EINTR, EAGAIN, ECONNABORTED, EPROTO, ENOPROTOOPT, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET, EOPNOTSUPP, EPERM,
		ETIMEDOUT,
	};
	static const char *const words[] = { "usher", "any reply hello", NULL };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct server s;

		refusal.error = errors[i];
		start(&s, refuse_once, words);
		ok(answers(&s), "accept: %s: then served", strerror(errors[i]));
		is_int(logged(&s, "accept"), 0, "and not worth a word");
		stop(&s);
	}
}

static void
refuse_five(void)
{
	refusal.times = 5;
}

/* Something has run out: pause, tell once, go on. */
static void
test_shortage(void)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS };
	static const char *const words[] = { "usher", "any reply hello", NULL };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct server s;

		refusal.error = errors[i];
		start(&s, refuse_five, words);
		ok(answers(&s), "accept: %s five times: then served", strerror(errors[i]));
		is_int(logged(&s, "pausing"), 1, "and told once");
		is_int(logged(&s, strerror(errors[i])), 1, "with the reason");
		stop(&s);
	}
}

/* A listener that is none is no reason to spin. */
static void
test_broken(void)
{
	static const char *const words[] = { "usher", "any reply hello", NULL };
	struct server s;
	int fd;

	refusal.error = EINVAL;
	start(&s, refuse_once, words);
	fd = connect_to(&s.address);
	is_int(wait_child(s.pid), EX_OSERR, "accept: %s: the end", strerror(EINVAL));
	is_int(logged(&s, strerror(EINVAL)), 1, "with a word");
	close(fd);
}

/* Become a user who may have two processes. */
static void
two_processes(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NPROC, &limit) == -1)
		_exit(77);
	limit.rlim_cur = 2;
	if (setrlimit(RLIMIT_NPROC, &limit) == -1 || setgid(65432) == -1 || setuid(65432) == -1)
		_exit(77);
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
	other = fork_child();
	if (other == 0) {
		two_processes();
		if (write(ready[1], "x", 1) != 1)
			_exit(98);
		for (;;)
			pause();
	}
	is_int((long long)receive(ready[0], &byte, 1), 1, "a user who has a process");
	start(&s, two_processes, words);
	for (int i = 0; i < 3; i++) {
		fd = connect_to(&s.address);
		is_int((int)receive(fd, &byte, 1), 0, "fork fails: the client is refused");
		close(fd);
	}
	is_int(logged(&s, "fork: Resource temporarily unavailable; pausing"), 1, "and it is told once");
	kill(other, SIGKILL);
	wait_child(other);
	ok(answers(&s), "and when there are processes again it is served");
	stop(&s);
	close(ready[0]);
	close(ready[1]);
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
	ok(logs(&s, "was ended by signal 11"), "which is told");
	ok(answers(&s), "and the next is served");
	fd = connect_to(&s.address);
	send_text(fd, "term");
	is_int((int)receive(fd, &byte, 1), 0, "one that somebody ended");
	close(fd);
	ok(answers(&s), "costs no more");
	is_int(logged(&s, "was ended by signal"), 1, "and is no crash");
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
	ok(receive(fd[0], &byte, 1) == 1 && byte == '1', "one of one is served");
	is_int((int)receive(fd[1], &byte, 1), 0, "and the second refused");
	scratch_file(two, sizeof(two) - 1);
	kill(s.pid, SIGHUP);
	ok(logs(&s, "read 1 rule"), "reloaded");
	close(fd[1]);
	for (int i = 1; i < 3; i++)
		fd[i] = connect_to(&s.address);
	send_text(fd[1], "2");
	ok(receive(fd[1], &byte, 1) == 1 && byte == '2', "two of two are served");
	is_int((int)receive(fd[2], &byte, 1), 0, "and the third refused");
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	stop(&s);
}

int
main(void)
{
	test_passing();
	test_shortage();
	test_broken();
	test_no_process();
	test_ignored();
	test_crash();
	test_reload_limit();
	fixture_end();
	return done_testing();
}
