/*
 * The settings and the flags: one table makes the flags, the names that `set' knows in a file, --help, and what
 * tests/run/run-manual.sh holds against usher(8).
 */
#ifndef USHER_OPTIONS_H
#define USHER_OPTIONS_H

#include <stdbool.h>

#include "log.h"

struct complaint;
struct rules;

enum mode { MODE_SERVE, MODE_CHECK, MODE_EXPLAIN, MODE_PROTOCOLS, MODE_VERSION, MODE_HELP };

/* Times in milliseconds.  idle_timeout_ms 0: never. */
struct settings {
	enum mode mode;
	const char *config;
	const char *input;	/* what to explain; NULL: standard input */
	int timeout_ms;
	int connect_timeout_ms;
	int idle_timeout_ms;
	enum log_target log;
	bool verbose;
};

/* Read when neither flag nor argument gives a rule. */
#ifndef USHER_CONF
#define USHER_CONF "/etc/usher.conf"
#endif

/* The defaults. */
void options_defaults(struct settings *ret);

/*
 * Read the command line.  Rules go to RULES in the order of the arguments; a --config file stands where its flag stands.
 * Returns 0; -EINVAL (usage) or -EBADMSG (a bad rule, a bad or unreadable rule file), with *ret_complaint set.
 */
int options_parse(int argc, char **argv, struct settings *settings, struct rules *rules, struct complaint *ret_complaint);

/* Carry out `set NAME VALUE'.  Returns 0, or -EINVAL and a static sentence in *ret_reason. */
int options_set(struct settings *settings, const char *name, const char *value, const char **ret_reason);

/* Parse 300ms, 3s, 2m, 1h or a bare number of seconds.  Returns 0 or -EINVAL and a static sentence in *ret_reason. */
int options_time(const char *text, int *ret_ms, const char **ret_reason);

/* Write --help to standard output. */
void options_help(void);

#endif
