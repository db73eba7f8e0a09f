/*
 * usher: look at the first bytes of a connection and show it to its service.
 *
 * options -> intake -> rules -> serve.  The only place that turns errors into exit statuses.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "explain.h"
#include "grammar.h"
#include "intake.h"
#include "log.h"
#include "options.h"
#include "serve.h"

static int
run(const struct settings *settings, const struct rules *rules)
{
	struct connection connection;
	const char *reason;
	int r;

	switch (settings->mode) {
	case MODE_CHECK:
		return explain_check(rules);
	case MODE_EXPLAIN:
		return explain(rules, settings);
	case MODE_PROTOCOLS:
		return explain_protocols();
	case MODE_VERSION:
		printf("usher %s\n", PACKAGE_VERSION);
		return EX_OK;
	case MODE_HELP:
		options_help();
		return EX_OK;
	case MODE_SERVE:
		break;
	}
	r = intake(&connection, &reason);
	if (r < 0) {
		log_line(LOG_ERR, "%s", reason);
		return EX_USAGE;
	}
	return serve(&connection, rules, settings);
}

int
main(int argc, char **argv)
{
	/* static: pages of the storage that no rule needs cost nothing */
	static struct rules rules;
	struct settings settings;
	struct complaint complaint;
	int r, client;

	/* before anything can go wrong: what is wrong with a rule must not be told to the client */
	client = getenv("LISTEN_FDS") != NULL ? INTAKE_LISTEN_FD : STDIN_FILENO;
	log_open(LOG_TO_AUTO, client);
	options_defaults(&settings);
	r = options_parse(argc, argv, &settings, &rules, &complaint);
	if (r < 0) {
		log_line(LOG_ERR, "%s", complaint.text);
		return r == -EINVAL ? EX_USAGE : EX_CONFIG;
	}
	if (settings.log != LOG_TO_AUTO)
		log_open(settings.log, client);
	if (settings.verbose)
		log_verbose(LOG_DEBUG);
	r = run(&settings, &rules);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return r;
}
