/* The command line: flags, rules, and the settings, each of which is a flag as well (rule/settings.h). */
#ifndef USHER_OPTIONS_H
#define USHER_OPTIONS_H

#include <stddef.h>

#include "rule/complaint.h"
#include "rule/rule.h"
#include "rule/settings.h"

enum mode { MODE_SERVE, MODE_CHECK, MODE_EXPLAIN, MODE_PROTOCOLS, MODE_VERSION, MODE_HELP };

/* As many --listen as there can be. */
#define OPTIONS_LISTEN 32

/* config: the last --config, or NULL.  input: what to explain; NULL: standard input. */
struct options {
	enum mode mode;
	const char *config;
	const char *input;
	const char *listen[OPTIONS_LISTEN];
	size_t listen_count;
	struct settings settings;
};

/* Read when neither flag nor argument gives a rule. */
#ifndef USHER_CONF
#define USHER_CONF "/etc/usher.conf"
#endif

void options_defaults(struct options *ret);

/*
 * Read the command line.  Rules go to RULES in the order of the arguments; the rules of a --config file come where its flag is.
 * Returns 0; -EINVAL (usage) or -EBADMSG (a bad rule, a bad or unreadable rule file), with *ret_complaint set.
 */
int options_parse(int argc, char **argv, struct options *options, struct rules *rules, struct complaint *ret_complaint);

/* Write --help to standard output. */
void options_help(void);

#endif
