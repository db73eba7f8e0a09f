#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"

/* How long a line may wait for room, and for how long no other line waits after one for which there was none. */
#define WRITE_MS 1000
#define DEAF_MS 10000

/* The one module with state of its own: words must be possible from everywhere, before and after everything else. */
static struct {
	enum log_target target;
	int level;
	bool prefix;			/* <N> in front: the journal reads it */
	bool stderr_is_client;
	bool is_file;			/* it may reach RLIMIT_FSIZE */
	bool pipe_ignored;
	int held;			/* the socket of log_hold(), or -1 */
} state = { .target = LOG_TO_STDERR, .level = LOG_INFO, .held = -1 };

/* Whether JOURNAL_STREAM, "device:inode", names this descriptor; see systemd.exec(5). */
static bool
is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	const char *rest;
	uint64_t device, inode;

	return stream != NULL && number_take(stream, UINT64_MAX, &device, &rest) == 0 && *rest == ':' &&
	    number_parse(rest + 1, UINT64_MAX, &inode) == 0 && device == st->st_dev && inode == st->st_ino;
}

static bool
same_file(const struct stat *st, int fd)
{
	struct stat other;

	return fd >= 0 && fstat(fd, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

void
log_open(enum log_target target, int client)
{
	int saved = errno;
	struct stat st;

	state.prefix = state.stderr_is_client = state.is_file = false;
	/* zeroed: without a descriptor it is no file */
	memset(&st, 0, sizeof st);
	if (fstat(STDERR_FILENO, &st) < 0) {
		/* descriptors 0 and 1 may be free as well; the lowest comes first */
		int fd;

		do
			fd = open("/dev/null", O_RDWR);
		while (fd >= 0 && fd < STDERR_FILENO);
		if (fd > STDERR_FILENO)
			close(fd);
		if (target == LOG_TO_AUTO)
			target = LOG_TO_SYSLOG;
	} else if (is_journal(&st)) {
		state.prefix = true;
	} else if (S_ISSOCK(st.st_mode) && (same_file(&st, client) || same_file(&st, STDIN_FILENO))) {
		state.stderr_is_client = true;
		if (target != LOG_TO_NONE)
			target = LOG_TO_SYSLOG;
	}
	state.is_file = S_ISREG(st.st_mode);
	if (target == LOG_TO_AUTO)
		target = LOG_TO_STDERR;
	state.target = target;
	errno = saved;
}

void
log_verbose(int level)
{
	state.level = level;
}

bool
log_wants(int level)
{
	return level <= state.level && state.target != LOG_TO_NONE;
}

bool
log_stderr_is_ours(void)
{
	return !state.stderr_is_client;
}

/*
 * Whether FD takes a line by now, or within a moment.  A process that has many lines, as the one that listens, must not spend a
 * moment on each of them: meanwhile nobody is served.
 */
static bool
has_room(int fd)
{
	static int64_t deaf_until;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int r;

	do
		r = poll(&p, 1, 0);
	while (r < 0 && errno == EINTR);
	if (r != 0 || clock_ms() < deaf_until)
		return r > 0;
	do
		r = poll(&p, 1, WRITE_MS);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		deaf_until = clock_ms() + DEAF_MS;
	return r > 0;
}

/*
 * One write, so that lines of processes that share a log do not mix.  The log may be a pipe whose reader has gone, which must not
 * end us, or one whose reader does not read.
 */
static void
write_line(const char *line, size_t length)
{
	ssize_t written;

	if (!state.pipe_ignored)
		signal(SIGPIPE, SIG_IGN);
	if (!state.pipe_ignored && state.is_file)
		signal(SIGXFSZ, SIG_IGN);
	state.pipe_ignored = true;
	if (!has_room(STDERR_FILENO))
		return;
	do
		written = write(STDERR_FILENO, line, length);
	while (written < 0 && errno == EINTR);
	(void)written;
}

static int
connect_syslog(int fd)
{
	static const struct sockaddr_un daemon = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };

	return connect(fd, (const struct sockaddr *)&daemon, sizeof daemon);
}

/* Connected if there is a daemon; who sends sees. */
static int
open_syslog(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		connect_syslog(fd);
	return fd;
}

/* Returns 0 or -errno. */
static int
send_line(int fd, const char *line, size_t length)
{
	ssize_t sent;

	if (!has_room(fd))
		return -EAGAIN;
	do
		sent = send(fd, line, length, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/*
 * syslog(3) waits for ever for a daemon that does not read.  The socket is not kept unless it has to be: a program that is executed
 * would inherit it.  The daemon adds the time (RFC 3164, section 4.3.2).
 */
static void
send_syslog(int level, const char *text)
{
	char line[LOG_LINE + 64] = "<", *end = line + 1;
	int fd = state.held >= 0 ? state.held : open_syslog(), r;

	if (fd < 0)
		return;
	end = stpcpy(number_put(end, (unsigned)(LOG_DAEMON | level)), ">usher[");
	end = stpcpy(stpcpy(number_put(end, (unsigned)getpid()), "]: "), text);
	r = send_line(fd, line, (size_t)(end - line));
	/* a daemon that was started anew has another socket behind the same name, and one that is started late has one by now */
	if ((r == -ECONNREFUSED || r == -ENOTCONN) && connect_syslog(fd) == 0)
		send_line(fd, line, (size_t)(end - line));
	if (fd != state.held)
		close(fd);
}

void
log_hold(void)
{
	int saved = errno, fd;

	if (state.target == LOG_TO_SYSLOG && state.held < 0) {
		fd = open_syslog();
		/* not among the standard ones, where it would be taken for something else */
		state.held = fd < 0 || fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (fd >= 0 && fd != state.held)
			close(fd);
		/* later it could not be opened either: to try might be forbidden by then */
		if (state.held < 0)
			state.target = LOG_TO_NONE;
	}
	errno = saved;
}

int
log_held(void)
{
	return state.held;
}

/* Where LINE has room for one character more, which its LENGTH does not count. */
static void
write_anywhere(int level, char *line, size_t length)
{
	if (state.target == LOG_TO_SYSLOG) {
		line[length] = '\0';
		send_syslog(level, line);
	} else {
		line[length] = '\n';
		write_line(line, length + 1);
	}
}

/* What comes before the text.  Returns its length. */
static size_t
begin_line(int level, char *line)
{
	if (state.target != LOG_TO_STDERR)
		return 0;
	if (!state.prefix)
		return (size_t)(stpcpy(line, "usher: ") - line);
	return (size_t)(stpcpy(number_put(stpcpy(line, "<"), (unsigned)level), ">") - line);
}

void
log_line(int level, const char *format, ...)
{
	char line[LOG_LINE + 8];
	size_t start, room;
	int saved = errno, n;
	va_list arguments;

	if (!log_wants(level))
		return;
	start = begin_line(level, line);
	room = LOG_LINE - start;
	va_start(arguments, format);
	n = vsnprintf(line + start, room, format, arguments);
	va_end(arguments);
	if (n < 0)
		n = 0;
	if ((size_t)n >= room) {
		n = (int)room - 1;
		memcpy(line + start + n - 3, "...", 3);
	}
	/* a line is a record: whatever was quoted in it must not make two, nor reach a terminal raw */
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[start + i] < ' ' || line[start + i] == 0x7f)
			line[start + i] = '?';
	write_anywhere(level, line, start + (size_t)n);
	errno = saved;
}

void
log_text(int level, const char *text)
{
	char line[LOG_LINE + 8];
	size_t start, length;
	int saved = errno;

	if (!log_wants(level))
		return;
	start = begin_line(level, line);
	length = strnlen(text, LOG_LINE - start);
	memcpy(line + start, text, length);
	write_anywhere(level, line, start + length);
	errno = saved;
}
