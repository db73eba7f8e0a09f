/*
 * usher: look at the first bytes of a connection and show it to its service.
 *
 * options -> intake -> rules -> serve, or listen, which forks into serve.  The only place that turns errors into exit statuses.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bind.h"
#include "explain.h"
#include "grammar.h"
#include "intake.h"
#include "listen.h"
#include "log.h"
#include "options.h"
#include "serve.h"

static int
bad_address(const char *text, const char *reason, int error)
{
	log_line(LOG_ERR, "--listen: \"%s\": %s", text, reason != NULL ? reason : strerror(-error));
	return reason != NULL ? EX_USAGE : EX_OSERR;
}

/* --check: the rules have been read; whether an address can be listened on is seen only when it is done. */
static int
check(const struct settings *settings, const struct rules *rules)
{
	for (size_t i = 0; i < settings->listen_count; i++) {
		struct address a;
		const char *reason;

		if (bind_parse(settings->listen[i], &a, &reason) < 0)
			return bad_address(settings->listen[i], reason, 0);
	}
	return explain_check(rules);
}

/* Serve the connection that we were started with, or accept from the sockets that we were started with or are to open. */
static int
work(struct settings *settings, struct rules *rules, int argc, char **argv)
{
	static struct rules spare;
	struct listeners listeners = { 0 };
	struct connection connection;
	const char *reason = NULL;
	int r;

	for (size_t i = 0; i < settings->listen_count; i++) {
		r = bind_add(&listeners, settings->listen[i], &reason);
		if (r < 0)
			return bad_address(settings->listen[i], reason, r);
	}
	if (listeners.count == 0) {
		r = intake(&connection, &reason);
		if (r == 0)
			return serve(&connection, rules, settings);
		if (r == -ENOTCONN)
			r = intake_listeners(&listeners, &reason);
		if (r < 0) {
			log_line(LOG_ERR, "%s", reason);
			return EX_USAGE;
		}
	}
	return listen_serve(&listeners, rules, &spare, settings, argc, argv);
}

static int
run(struct settings *settings, struct rules *rules, int argc, char **argv)
{
	switch (settings->mode) {
	case MODE_CHECK:
		return check(settings, rules);
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
	return work(settings, rules, argc, argv);
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
	r = run(&settings, &rules, argc, argv);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return r;
}
