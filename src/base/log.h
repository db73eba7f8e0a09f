/*
 * Where words for the administrator go.  errno is kept by every function here.
 *
 * Standard error, unless it is the client's socket, to which nothing may be written: then /dev/log, as syslog(3) does.  Lines begin
 * with the level as <N> (sd-daemon(3)) when standard error is the journal's (JOURNAL_STREAM says so).
 */
#ifndef USHER_LOG_H
#define USHER_LOG_H

#include <stdbool.h>
#include <syslog.h>

enum log_target { LOG_TO_AUTO, LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_NONE };

/* The longest line; what is longer is cut and ends in "...". */
#define LOG_LINE 1024

/*
 * Decide where lines go.  CLIENT is the descriptor of the connection or -1; standard input is never written to either.  Also opens
 * /dev/null as descriptor 2 if that is closed, so that no socket becomes standard error by accident.
 */
void log_open(enum log_target target, int client);

/* Lines of a level beyond LEVEL (syslog's numbers) are dropped; the default is LOG_INFO. */
void log_verbose(int level);

/* Whether lines of LEVEL are written anywhere. */
bool log_wants(int level);

/* Whether standard error is fit to hand to a program: false when it is the client's socket. */
bool log_stderr_is_ours(void);

/*
 * Write one line.  FORMAT has no newline at its end.  A log that cannot be written costs the line and a second at the most, be it
 * standard error or syslog; from the first line to standard error on SIGPIPE is ignored.
 */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a signal's handler (signal-safety(7)): TEXT as it is. */
void log_text(int level, const char *text);

/*
 * For a process that will not be able to open files or sockets: where lines go to syslog, open the socket for them now and keep it.
 */
void log_hold(void);

/* That socket, or -1. */
int log_held(void);

#endif
