#include "config.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one module with state of its own: words must be possible from everywhere, before and after everything else. */
static struct {
	enum log_target target;
	int level;
	bool prefix;			/* <N> in front: the journal reads it */
	bool stderr_is_client;
} state = { .target = LOG_TO_STDERR, .level = LOG_INFO };

/* Whether JOURNAL_STREAM, "device:inode", names this descriptor; see systemd.exec(5). */
static bool
is_journal(const struct stat *st)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	char *end;

	if (stream == NULL)
		return false;
	device = strtoumax(stream, &end, 10);
	if (*end != ':')
		return false;
	inode = strtoumax(end + 1, &end, 10);
	return *end == '\0' && device == st->st_dev && inode == st->st_ino;
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

	state.prefix = state.stderr_is_client = false;
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
	} else if (S_ISSOCK(st.st_mode) && same_file(&st, client)) {
		state.stderr_is_client = true;
		if (target != LOG_TO_NONE)
			target = LOG_TO_SYSLOG;
	}
	if (target == LOG_TO_AUTO)
		target = LOG_TO_STDERR;
	if (target == LOG_TO_SYSLOG)
		openlog("usher", LOG_PID, LOG_DAEMON);
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

void
log_line(int level, const char *format, ...)
{
	char line[LOG_LINE + 8];
	size_t start = 0, room;
	int saved = errno, n;
	va_list arguments;

	if (!log_wants(level))
		return;
	if (state.target == LOG_TO_STDERR)
		start = (size_t)snprintf(line, sizeof line, state.prefix ? "<%d>" : "usher: ", level);
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
	if (state.target == LOG_TO_SYSLOG) {
		line[start + n] = '\0';
		syslog(level, "%s", line + start);
	} else {
		ssize_t written;

		line[start + n] = '\n';
		/* one write, so that lines of processes that share a log do not mix; nobody is left to tell when it fails */
		written = write(STDERR_FILENO, line, start + n + 1);
		(void)written;
	}
	errno = saved;
}
