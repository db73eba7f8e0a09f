/* Each case runs in a child, for what is decided by log_open() stays decided. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fixture.h"
#include "base/clock.h"
#include "base/log.h"
#include "tap.h"

/* What a case is given: standard error, the client's socket, and which line is to be written. */
struct scene {
	enum log_target target;
	int err, client;
	void (*act)(const struct scene *s);
};

/* Run the case with S->err as standard error.  Returns the child's exit status. */
static int
play(const struct scene *s, bool journal)
{
	char stream[64];
	struct stat st;
	pid_t pid = fork_child();

	if (pid == 0) {
		if (dup2(s->err, 2) == -1 || fstat(2, &st) == -1)
			_exit(98);
		snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + !journal);
		setenv("JOURNAL_STREAM", stream, 1);
		log_open(s->target, s->client);
		s->act(s);
		_exit(97);
	}
	return wait_child(pid);
}

/* A datagram a write(2): what arrives on it shows whether a line is one. */
static void
message_pipe(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fd) == -1)
		die("socketpair: %s", strerror(errno));
}

/* The next message without waiting, "" if there is none. */
static const char *
message(int fd)
{
	static char text[4 * LOG_LINE];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
say_three(const struct scene *s)
{
	(void)s;
	errno = ENOTTY;
	log_line(LOG_ERR, "bad %d", 1);
	log_line(LOG_INFO, "well %s", "two");
	log_line(LOG_DEBUG, "detail");
	_exit(errno == ENOTTY ? 0 : 1);
}

static void
say_detail(const struct scene *s)
{
	log_verbose(LOG_DEBUG);
	log_line(LOG_DEBUG, "detail");
	log_verbose(LOG_ERR);
	log_line(LOG_WARNING, "hidden");
	(void)s;
	_exit(0);
}

static void
test_levels(void)
{
	struct scene s = { .target = LOG_TO_AUTO, .client = -1, .act = say_three };
	int fd[2];

	message_pipe(fd);
	s.err = fd[1];
	is_int(play(&s, true), 0, "to the journal: errno is kept");
	is_str(message(fd[0]), "<3>bad 1\n", "to the journal: an error has the level 3");
	is_str(message(fd[0]), "<6>well two\n", "to the journal: what happened has the level 6");
	is_str(message(fd[0]), "", "to the journal: no details unless asked for");

	is_int(play(&s, false), 0, "to a stream that is not the journal: errno is kept");
	ok(strstr(message(fd[0]), "bad 1\n") != NULL, "to a stream that is not the journal: an error is written");
	ok(strstr(message(fd[0]), "well two\n") != NULL && strchr(message(fd[0]), '<') == NULL,
	    "to a stream that is not the journal: lines have no <N>");
	is_str(message(fd[0]), "", "to a stream that is not the journal: no details unless asked for");

	s.target = LOG_TO_STDERR;
	is_int(play(&s, true), 0, "--log stderr: errno is kept");
	is_str(message(fd[0]), "<3>bad 1\n", "--log stderr to the journal: an error has the level 3");
	is_str(message(fd[0]), "<6>well two\n", "--log stderr to the journal: what happened has the level 6");

	s.act = say_detail;
	is_int(play(&s, true), 0, "--verbose: errno is kept");
	is_str(message(fd[0]), "<7>detail\n", "--verbose: details have the level 7");
	is_str(message(fd[0]), "", "--verbose: no line is written that was not asked for");

	s.target = LOG_TO_NONE;
	s.act = say_three;
	is_int(play(&s, true), 0, "--log none: errno is kept");
	is_str(message(fd[0]), "", "--log none: nothing is written");

	s.target = LOG_TO_SYSLOG;
	is_int(play(&s, true), 0, "--log syslog: errno is kept");
	is_str(message(fd[0]), "", "--log syslog: nothing is written to standard error");
	close(fd[0]);
	close(fd[1]);
}

/* JOURNAL_STREAM is somebody else's, or nonsense. */
static void
say_with_stream(const struct scene *s)
{
	static const char *const streams[] = { "", ":", "1", "x:y", "0:0", "-1:-1", "1:2:3", "99999999999999999999:1" };

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		setenv("JOURNAL_STREAM", streams[i], 1);
		log_open(s->target, s->client);
		log_line(LOG_INFO, "line");
	}
	unsetenv("JOURNAL_STREAM");
	log_open(s->target, s->client);
	log_line(LOG_INFO, "line");
	_exit(0);
}

static void
test_other_streams(void)
{
	struct scene s = { .target = LOG_TO_AUTO, .client = -1, .act = say_with_stream };
	int fd[2];

	message_pipe(fd);
	s.err = fd[1];
	is_int(play(&s, false), 0, "values of JOURNAL_STREAM that are not ours: errno is kept");
	for (int i = 0; i < 9; i++) {
		const char *line = message(fd[0]);

		ok(strchr(line, '<') == NULL && strstr(line, "line\n") != NULL,
		    "value %d of JOURNAL_STREAM that is not ours: lines have no <N>", i);
	}
	close(fd[0]);
	close(fd[1]);
}

static void
say_on_client(const struct scene *s)
{
	bool ours = log_stderr_is_ours();

	log_line(LOG_ERR, "must not reach the client");
	(void)s;
	_exit(ours ? 1 : 0);
}

static void
say_on_ours(const struct scene *s)
{
	(void)s;
	_exit(log_stderr_is_ours() ? 0 : 1);
}

static void
test_client_is_stderr(void)
{
	static const enum log_target targets[] = { LOG_TO_AUTO, LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_NONE };
	char byte;

	for (int wire = WIRE_TCP4; wire <= WIRE_UNIX; wire++) {
		struct pair p, other;

		if (!wire_works(wire)) {
			ok(true, "%s # SKIP not on this machine", wire_name(wire));
			continue;
		}
		p = pair_open(wire);
		other = pair_open(wire);
		for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
			struct scene s = { .target = targets[i], .err = p.near, .client = p.near, .act = say_on_client };

			is_int(play(&s, false), 0, "%s: standard error is the client's: errno is kept", wire_name(wire));
			is_int(recv(p.far, &byte, 1, MSG_DONTWAIT), -1, "standard error is the client's: nothing is written to it");
			s.err = other.near;
			s.act = say_on_ours;
			is_int(play(&s, false), 0, "standard error is another socket than the client's: errno is kept");
		}
		pair_close(&p);
		pair_close(&other);
	}
}

/* A line that is too long, and one that would be two, or would colour a terminal. */
static void
say_much(const struct scene *s)
{
	static char text[3 * LOG_LINE];

	memset(text, 'x', sizeof(text) - 1);
	log_line(LOG_INFO, "%s", text);
	log_line(LOG_INFO, "a\nb\r\x1b[31mc\x7f %s", "\a");
	(void)s;
	_exit(0);
}

static void
test_lines(void)
{
	struct scene s = { .target = LOG_TO_AUTO, .client = -1, .act = say_much };
	const char *line;
	size_t length;
	int fd[2];

	message_pipe(fd);
	s.err = fd[1];
	for (int journal = 0; journal <= 1; journal++) {
		is_int(play(&s, journal), 0, "long lines: errno is kept");
		line = message(fd[0]);
		length = strlen(line);
		ok(length > LOG_LINE / 2 && length <= LOG_LINE + 4, "a long line is cut");
		ok(length > 4 && strcmp(line + length - 4, "...\n") == 0, "a long line that is cut ends in ...");
		line = message(fd[0]);
		length = strlen(line);
		ok(length > 0 && strchr(line, '\n') == line + length - 1, "a line with line ends in it is written as one line");
		ok(strpbrk(line, "\r\a\x1b\x7f") == NULL, "a line with control bytes in it is written without");
	}
	close(fd[0]);
	close(fd[1]);
}

static void
say_often(const struct scene *s)
{
	(void)s;
	errno = ENOTTY;
	for (int i = 0; i < 20; i++)
		log_line(LOG_ERR, "%d", i);
	_exit(errno == ENOTTY ? 0 : 1);
}

/* Nobody reads the log: one line may wait, but not each. */
static void
test_deaf(void)
{
	struct scene s = { .target = LOG_TO_STDERR, .client = -1, .act = say_often };
	int64_t from;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
		die("pipe2: %s", strerror(errno));
	while (write(fd[1], "full", 4) > 0)
		;
	s.err = fd[1];
	from = clock_ms();
	is_int(play(&s, false), 0, "a log that nobody reads: errno is kept");
	ok(clock_ms() - from < 10000, "a log that nobody reads: 20 lines do not wait each");
	close(fd[0]);
	close(fd[1]);
}

/* With descriptors 0 to 2 closed, as BITS say, only 2 is to be filled and the connection is not to land there. */
static int
open_without(int bits)
{
	char target[64] = "";
	pid_t pid = fork_child();

	if (pid != 0)
		return wait_child(pid);
	for (int fd = 0; fd <= 2; fd++)
		if (bits & 1 << fd)
			close(fd);
	errno = ENOTTY;
	log_open(LOG_TO_AUTO, -1);
	if (errno != ENOTTY)
		_exit(1);
	if (readlink("/proc/self/fd/2", target, sizeof(target) - 1) == -1 || strcmp(target, "/dev/null") != 0)
		_exit(2);
	if (fcntl(2, F_GETFD) != 0)
		_exit(3);
	log_line(LOG_ERR, "into the void");
	_exit(0);
}

int
main(void)
{
	test_levels();
	test_other_streams();
	test_client_is_stderr();
	test_lines();
	test_deaf();
	is_int(open_without(4), 0, "a closed descriptor 2 becomes /dev/null");
	is_int(open_without(7), 0, "a closed descriptor 2 becomes /dev/null when 0 and 1 are closed too");
	return done_testing();
}
