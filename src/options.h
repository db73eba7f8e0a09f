/*
 * The settings and the flags: one table makes the flags, the names that `set' knows in a file, --help, and what
 * tests/run/run-manual.sh holds against usher(8).
 */
#ifndef USHER_OPTIONS_H
#define USHER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "log.h"

struct complaint;
struct rules;

enum mode { MODE_SERVE, MODE_CHECK, MODE_EXPLAIN, MODE_PROTOCOLS, MODE_VERSION, MODE_HELP };

/* The most connections that can be asked for. */
#define OPTIONS_COUNT_MAX 1000000

/* As many --listen as there can be. */
#define OPTIONS_LISTEN 32

/*
 * Times in milliseconds.  idle_timeout_ms and idle_exit_ms 0: never; drain_ms -1: for ever.  max_connections and max_per_source
 * 0: no limit.
 * source_prefix: bits of an IPv6 address that make a source.  refuse_when_full: refuse beyond max_connections, rather than leave in
 * the backlog.  listen: COUNT addresses.
 */
struct settings {
	enum mode mode;
	const char *config;
	const char *input;	/* what to explain; NULL: standard input */
	int timeout_ms;
	int connect_timeout_ms;
	int idle_timeout_ms;
	enum log_target log;
	bool verbose;
	const char *listen[OPTIONS_LISTEN];
	size_t listen_count;
	int max_connections;
	int max_per_source;
	int source_prefix;
	bool refuse_when_full;
	int drain_ms;
	int idle_exit_ms;
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
