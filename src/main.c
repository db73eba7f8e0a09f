/*
 * usher: look at the first bytes of a connection and show it to its service.
 *
 * options -> intake -> rules -> serve, or listen, which forks into serve.  The only place that turns errors into exit statuses.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/bind.h"
#include "explain.h"
#include "rule/grammar.h"
#include "net/intake.h"
#include "listen/listen.h"
#include "base/log.h"
#include "options.h"
#include "serve/sandbox.h"
#include "serve/serve.h"

/* One for the process, and for each child a copy. */
static _Alignas(STORAGE_PAGE) struct storage storage;

/*
 * Whether this process may turn out to listen, by what can be asked for nothing.  What systemd has accepted it calls "connection".
 */
static bool
may_listen(int argc, char **argv)
{
	const char *name = getenv("LISTEN_FDNAMES");

	if (getenv("LISTEN_FDS") != NULL && (name == NULL || strcmp(name, "connection") != 0))
		return true;
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--listen", 8) == 0)
			return true;
	return false;
}

/* HOW: SIG_BLOCK, SIG_UNBLOCK. */
static void
mask_hangup(int how)
{
	sigset_t hangup;

	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	sigprocmask(how, &hangup, NULL);
}

/* Whether each --listen names something that can be listened on at all; whether it is free, only listening shows. */
static int
check_addresses(const struct options *options)
{
	for (size_t i = 0; i < options->listen_count; i++) {
		const char *reason;

		if (bind_check(options->listen[i], &reason) == 0)
			continue;
		log_line(LOG_ERR, "--listen: \"%s\": %s", options->listen[i], reason);
		return EX_USAGE;
	}
	return EX_OK;
}

_Static_assert(OPTIONS_LISTEN <= BIND_TEXTS, "all that can be asked for can be opened");

static int
check(const struct options *options, const struct rules *rules)
{
	int status = check_addresses(options);

	return status != EX_OK ? status : explain_check(rules);
}

/* For a parent that listens, at SIGHUP: read the command line and its files once more. */
static int
read_again(int argc, char **argv, struct settings *ret, struct rules *rules, struct complaint *ret_complaint)
{
	struct options options;
	int r;

	options_defaults(&options);
	r = options_parse(argc, argv, &options, rules, ret_complaint);
	*ret = options.settings;
	return r;
}

/* Serve the connection that we were started with, or accept from the sockets that we were started with or are to open. */
static int
work(struct options *options, struct rules *rules, int argc, char **argv)
{
	static struct rules spare;
	struct listeners listeners = { 0 };
	char failure[BIND_FAILURE];
	const char *reason = NULL;
	int r = check_addresses(options);

	if (r != EX_OK)
		return r;
	if (bind_all(&listeners, options->listen, options->listen_count, failure) < 0) {
		log_line(LOG_ERR, "--listen: %s", failure);
		return EX_OSERR;
	}
	if (listeners.count == 0) {
		r = intake(&storage.connection, options->settings.client_address, &reason);
		if (r == 0) {
			if (may_listen(argc, argv))
				mask_hangup(SIG_UNBLOCK);
			return serve(&storage, rules, &options->settings);
		}
		if (r == -ENOTCONN)
			r = intake_listeners(&listeners, &reason);
		if (r < 0 && reason == NULL) {
			log_line(LOG_ERR, "cannot ask the socket who its client is: %s", strerror(-r));
			return EX_OSERR;
		}
		if (r < 0) {
			log_line(LOG_ERR, "%s", reason);
			return EX_USAGE;
		}
	}
	return listen_serve(&listeners, &storage, rules, &spare, &options->settings, read_again, argc, argv);
}

static void
print_version(void)
{
	char features[SANDBOX_FEATURES];

	sandbox_features(features);
	printf("usher %s\nsandbox: %s\n", PACKAGE_VERSION, features);
}

static int
run(struct options *options, struct rules *rules, int argc, char **argv)
{
	switch (options->mode) {
	case MODE_CHECK:
		return check(options, rules);
	case MODE_EXPLAIN:
		return explain(rules, &options->settings, options->input);
	case MODE_PROTOCOLS:
		return explain_protocols();
	case MODE_VERSION:
		print_version();
		return EX_OK;
	case MODE_HELP:
		options_help();
		return EX_OK;
	case MODE_SERVE:
		break;
	}
	return work(options, rules, argc, argv);
}

int
main(int argc, char **argv)
{
	/* static: pages of the storage that no rule needs cost nothing */
	static struct rules rules;
	struct options options;
	struct complaint complaint;
	int r, client;

	/* first of all: until there is a parent that heeds it, SIGHUP would end us */
	if (may_listen(argc, argv))
		mask_hangup(SIG_BLOCK);
	/* before anything can go wrong: what is wrong with a rule must not be sent to the client */
	client = intake_descriptor();
	log_open(LOG_TO_AUTO, client);
	options_defaults(&options);
	r = options_parse(argc, argv, &options, &rules, &complaint);
	if (r < 0) {
		log_line(LOG_ERR, "%s", complaint.text);
		return r == -EINVAL ? EX_USAGE : EX_CONFIG;
	}
	if (options.settings.log != LOG_TO_AUTO)
		log_open(options.settings.log, client);
	if (options.settings.verbose)
		log_verbose(LOG_DEBUG);
	r = run(&options, &rules, argc, argv);
	/* an error of an earlier line is not one of the flush */
	if (fflush(stdout) != 0 || ferror(stdout))
		return EX_IOERR;
	return r;
}
