#include "config.h"

#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar.h"
#include "probe.h"

enum kind { KIND_TIME, KIND_COUNT, KIND_BITS, KIND_FULL, KIND_LOG, KIND_BOOL, KIND_CONFIG, KIND_LISTEN, KIND_MODE, KIND_EXPLAIN };

/* Of an IPv6 address. */
#define BITS_MAX 128

/*
 * argument: what --help calls it, NULL: the flag takes none; with a = in front it may be left out, and stands behind one.
 * offset: of the field in struct settings.  mode: for KIND_MODE and KIND_EXPLAIN.
 * in_file: whether `set' knows it.
 */
static const struct option {
	const char *name;
	const char *argument;
	enum kind kind;
	size_t offset;
	enum mode mode;
	bool in_file;
	const char *help;
} options[] = {
	{ "config", "FILE", KIND_CONFIG, 0, 0, false, "read rules from FILE (without rules: " USHER_CONF ")" },
	{ "timeout", "TIME", KIND_TIME, offsetof(struct settings, timeout_ms), 0, true,
	    "how long the first bytes may take (3s)" },
	{ "connect-timeout", "TIME", KIND_TIME, offsetof(struct settings, connect_timeout_ms), 0, true,
	    "how long reaching a backend may take (5s)" },
	{ "idle-timeout", "TIME", KIND_TIME, offsetof(struct settings, idle_timeout_ms), 0, true,
	    "end a relayed connection on which nothing moves for TIME (0: never)" },
	{ "log", "WHERE", KIND_LOG, offsetof(struct settings, log), 0, true,
	    "auto, stderr, syslog or none (auto: stderr, but syslog where that is the client's socket)" },
	{ "verbose", NULL, KIND_BOOL, offsetof(struct settings, verbose), 0, true, "log what led to the decision" },
	{ "listen", "ADDRESS", KIND_LISTEN, 0, 0, false,
	    "listen on ADDRESS (127.0.0.1:443, [::1]:443, 443, unix:/PATH) and fork a process a connection; may be repeated" },
	{ "max-connections", "N", KIND_COUNT, offsetof(struct settings, max_connections), 0, true,
	    "when listening: no more than N connections at a time (1000; 0: no limit)" },
	{ "max-per-source", "N", KIND_COUNT, offsetof(struct settings, max_per_source), 0, true,
	    "when listening: refuse more than N connections of one address at a time (0: no limit)" },
	{ "source-prefix", "BITS", KIND_BITS, offsetof(struct settings, source_prefix), 0, true,
	    "when listening: IPv6 addresses that share BITS count as one (64)" },
	{ "when-full", "wait|refuse", KIND_FULL, 0, 0, true,
	    "when listening: what happens beyond --max-connections (wait: they stay in the backlog)" },
	{ "drain", "TIME", KIND_TIME, offsetof(struct settings, drain_ms), 0, true,
	    "when listening: how long to wait on SIGTERM for connections to end (without: until they have)" },
	{ "idle-exit", "TIME", KIND_TIME, offsetof(struct settings, idle_exit_ms), 0, true,
	    "when listening: exit when there was no connection for TIME (0: never)" },
	{ "check", NULL, KIND_MODE, 0, MODE_CHECK, false, "read the rules, say what is wrong with them, exit" },
	{ "explain", "=INPUT", KIND_EXPLAIN, 0, MODE_EXPLAIN, false,
	    "say what every rule makes of a client's first bytes, exit; INPUT is a file, a directory of files, hex:DIGITS, or standard "
	    "input" },
	{ "protocols", NULL, KIND_MODE, 0, MODE_PROTOCOLS, false, "list the protocols, exit" },
	{ "version", NULL, KIND_MODE, 0, MODE_VERSION, false, "print the version, exit" },
	{ "help", NULL, KIND_MODE, 0, MODE_HELP, false, "print this, exit" },
};

void
options_defaults(struct settings *ret)
{
	*ret = (struct settings){
		.mode = MODE_SERVE,
		.timeout_ms = 3000,
		.connect_timeout_ms = 5000,
		.log = LOG_TO_AUTO,
		.max_connections = 1000,
		.source_prefix = 64,
		.drain_ms = -1,
	};
}

static const struct option *
find(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
			return &options[i];
	return NULL;
}

int
options_time(const char *text, int *ret_ms, const char **ret_reason)
{
	static const struct {
		const char *name;
		int ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 } };
	size_t digits = strspn(text, "0123456789");
	long long value = 0;

	*ret_reason = "expected a time such as 300ms, 3s, 2m or 1h";
	if (digits == 0 || digits > 9)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (text[i] - '0');
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		value *= units[i].ms;
		if (value > INT_MAX) {
			*ret_reason = "expected a time of 24 days at most";
			return -EINVAL;
		}
		*ret_ms = (int)value;
		return 0;
	}
	return -EINVAL;
}

static int
set_log(struct settings *settings, const char *value, const char **ret_reason)
{
	static const char *const names[] = {
		[LOG_TO_AUTO] = "auto", [LOG_TO_STDERR] = "stderr", [LOG_TO_SYSLOG] = "syslog", [LOG_TO_NONE] = "none",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], value) == 0) {
			settings->log = (enum log_target)i;
			return 0;
		}
	*ret_reason = "expected auto, stderr, syslog or none";
	return -EINVAL;
}

static int
set_number(int *field, const char *value, long most, const char **ret_reason)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (*value < '0' || *value > '9' || *end != '\0' || n > most) {
		*ret_reason = most == BITS_MAX ? "expected a number from 0 to 128" : "expected a number from 0 to 1000000";
		return -EINVAL;
	}
	*field = (int)n;
	return 0;
}

static int
set_full(struct settings *settings, const char *value, const char **ret_reason)
{
	settings->refuse_when_full = strcmp(value, "refuse") == 0;
	if (settings->refuse_when_full || strcmp(value, "wait") == 0)
		return 0;
	*ret_reason = "expected wait or refuse";
	return -EINVAL;
}

static int
add_listen(struct settings *settings, const char *value, const char **ret_reason)
{
	if (settings->listen_count == OPTIONS_LISTEN) {
		*ret_reason = "no more than 32 addresses";
		return -EINVAL;
	}
	settings->listen[settings->listen_count++] = value;
	return 0;
}

/* VALUE: "" for a flag that was given none. */
static int
set_option(struct settings *settings, const struct option *o, const char *value, const char **ret_reason)
{
	char *field = (char *)settings + o->offset;

	switch (o->kind) {
	case KIND_TIME:
		return options_time(value, (int *)(void *)field, ret_reason);
	case KIND_COUNT:
		return set_number((int *)(void *)field, value, OPTIONS_COUNT_MAX, ret_reason);
	case KIND_BITS:
		return set_number((int *)(void *)field, value, BITS_MAX, ret_reason);
	case KIND_FULL:
		return set_full(settings, value, ret_reason);
	case KIND_LISTEN:
		return add_listen(settings, value, ret_reason);
	case KIND_LOG:
		return set_log(settings, value, ret_reason);
	case KIND_BOOL:
		if (*value != '\0' && strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
			*ret_reason = "expected yes or no";
			return -EINVAL;
		}
		*(bool *)(void *)field = strcmp(value, "no") != 0;
		return 0;
	case KIND_EXPLAIN:
		settings->input = *value != '\0' ? value : NULL;
		settings->mode = o->mode;
		return 0;
	case KIND_MODE:
		settings->mode = o->mode;
		return 0;
	case KIND_CONFIG:
		settings->config = value;
		return 0;
	}
	return -EINVAL;
}

int
options_set(struct settings *settings, const char *name, const char *value, const char **ret_reason)
{
	const struct option *o = find(name, strlen(name));

	if (o == NULL || !o->in_file) {
		*ret_reason = "no setting of this name; usher --help marks with * what a file can set";
		return -EINVAL;
	}
	return set_option(settings, o, value, ret_reason);
}

/* A flag that is no option: --PROTOCOL ADDRESS.  NAME has LENGTH characters. */
static int
protocol_flag(struct rules *rules, struct settings *settings, const char *flag, size_t length, const char *value,
    struct complaint *ret_complaint)
{
	char name[32];

	if (length < sizeof name) {
		memcpy(name, flag, length);
		name[length] = '\0';
		if (strcmp(name, "any") == 0 || strcmp(name, "silent") == 0 || probe_find(name) != NULL) {
			if (value != NULL)
				return grammar_flag(rules, settings, name, value, ret_complaint) < 0 ? -EBADMSG : 0;
			return complain(ret_complaint, NULL, 0, "--%s: expected an address behind it, e.g. --%s 127.0.0.1:2222",
			    name, name);
		}
	}
	return complain(ret_complaint, NULL, 0, "--%.*s: no such flag; see usher --help", (int)length, flag);
}

/*
 * Carry out the flag in ARGUMENT, with VALUE, the argument behind it, or NULL at the end.  *ret_used: whether VALUE was taken.
 */
static int
flag(struct rules *rules, struct settings *settings, const char *argument, const char *value, bool *ret_used,
    struct complaint *ret_complaint)
{
	const char *name = argument + 2, *equals = strchr(name, '='), *reason;
	size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option *o = find(name, length);

	*ret_used = equals == NULL;
	if (equals != NULL)
		value = equals + 1;
	if (o == NULL)
		return protocol_flag(rules, settings, name, length, value, ret_complaint);
	if (o->argument == NULL || o->argument[0] == '=') {
		*ret_used = false;
		if (equals != NULL && o->argument == NULL)
			return complain(ret_complaint, NULL, 0, "--%s: takes no value", o->name);
		value = equals != NULL ? equals + 1 : "";
	} else if (value == NULL)
		return complain(ret_complaint, NULL, 0, "--%s: expected %s behind it", o->name, o->argument);
	if (set_option(settings, o, value, &reason) < 0)
		return complain(ret_complaint, NULL, 0, "--%s: \"%s\": %s", o->name, value, reason);
	if (o->kind == KIND_CONFIG && grammar_file(rules, settings, value, ret_complaint) < 0)
		return -EBADMSG;
	return 0;
}

int
options_parse(int argc, char **argv, struct settings *settings, struct rules *rules, struct complaint *ret_complaint)
{
	bool plain = false;

	for (int i = 1; i < argc; i++) {
		bool used = false;
		int r;

		if (!plain && strcmp(argv[i], "--") == 0) {
			plain = true;
		} else if (!plain && strncmp(argv[i], "--", 2) == 0) {
			r = flag(rules, settings, argv[i], argv[i + 1], &used, ret_complaint);
			if (r < 0)
				return r;
			i += used;
		} else if (!plain && argv[i][0] == '-') {
			return complain(ret_complaint, NULL, 0, "%s: no such flag; see usher --help", argv[i]);
		} else if (grammar_line(rules, settings, NULL, 0, argv[i], ret_complaint) < 0)
			return -EBADMSG;
	}
	if (settings->mode >= MODE_PROTOCOLS)
		return 0;
	/* --explain without rules names the protocol */
	if (rules->count == 0 && settings->config == NULL && settings->mode != MODE_EXPLAIN &&
	    grammar_file(rules, settings, USHER_CONF, ret_complaint) < 0)
		return -EBADMSG;
	return grammar_finish(rules, settings, ret_complaint) < 0 ? -EBADMSG : 0;
}

void
options_help(void)
{
	printf("usage: usher [FLAG...] [RULE...]\n"
	       "\n"
	       "Serve the connection on standard input (from systemd, inetd, xinetd, tcpserver) by the first rule that\n"
	       "holds for its first bytes.  A rule is one argument, in usher.conf(5)'s words, for example:\n"
	       "    usher 'ssh exec /usr/sbin/sshd -i' 'tls connect 127.0.0.1:8443' 'any reject'\n"
	       "\n");
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		const char *argument = options[i].argument != NULL ? options[i].argument : "";
		char head[40];

		snprintf(head, sizeof head, *argument == '=' ? "--%s[%s]%s" : *argument == '\0' ? "--%s%s%s" : "--%s %s%s",
		    options[i].name, argument, options[i].in_file ? " *" : "");
		printf("  %-25s %s\n", head, options[i].help);
	}
	printf("  %-25s %s\n", "--PROTOCOL ADDRESS", "the rule `PROTOCOL connect ADDRESS'; also --any and --silent. Protocols:");
	for (const struct probe *p = probes; p->name != NULL; p++)
		printf("%s%s", (p - probes) % 10 == 0 ? "\n    " : " ", p->name);
	printf("\n\nA TIME is 300ms, 3s, 2m or 1h.  What has a * can be set in a file, too: set timeout 5s\n");
}
