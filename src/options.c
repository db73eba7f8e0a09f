#include "config.h"

#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "probe/probe.h"
#include "rule/grammar.h"

enum kind { FLAG_CONFIG, FLAG_LISTEN, FLAG_MODE, FLAG_EXPLAIN };

/*
 * The flags that are no settings.  argument: what --help calls it, NULL: the flag takes none; with a = in front it may be left out,
 * and is written behind one.  mode: for FLAG_MODE and FLAG_EXPLAIN.
 */
static const struct flag {
	const char *name;
	const char *argument;
	enum kind kind;
	enum mode mode;
	const char *help;
} flags[] = {
	{ "config", "FILE", FLAG_CONFIG, 0, "read rules from FILE (without rules: " USHER_CONF ")" },
	{ "listen", "ADDRESS", FLAG_LISTEN, 0,
	    "listen on ADDRESS (127.0.0.1:443, [::1]:443, localhost:443, 443, unix:/PATH) and fork a process per connection; may "
	    "be repeated" },
	{ "check", NULL, FLAG_MODE, MODE_CHECK, "read the rules, say what is wrong with them, exit" },
	{ "explain", "=INPUT", FLAG_EXPLAIN, MODE_EXPLAIN,
	    "say what every rule makes of a client's first bytes, exit; INPUT is a file, a directory of files, hex:DIGITS, or "
	    "standard input" },
	{ "protocols", NULL, FLAG_MODE, MODE_PROTOCOLS, "list the protocols, exit" },
	{ "version", NULL, FLAG_MODE, MODE_VERSION, "print the version, exit" },
	{ "help", NULL, FLAG_MODE, MODE_HELP, "print this, exit" },
};
#define FLAGS (sizeof flags / sizeof flags[0])

void
options_defaults(struct options *ret)
{
	*ret = (struct options){ .mode = MODE_SERVE };
	settings_defaults(&ret->settings);
}

static const struct flag *
find(const char *name, size_t length)
{
	for (size_t i = 0; i < FLAGS; i++)
		if (strlen(flags[i].name) == length && memcmp(flags[i].name, name, length) == 0)
			return &flags[i];
	return NULL;
}

/* VALUE: "" for a flag that was given none. */
static int
carry_out(struct options *o, const struct flag *f, const char *value, const char **ret_reason)
{
	switch (f->kind) {
	case FLAG_LISTEN:
		if (o->listen_count == OPTIONS_LISTEN) {
			*ret_reason = "no more than 32 addresses";
			return -EINVAL;
		}
		o->listen[o->listen_count++] = value;
		return 0;
	case FLAG_EXPLAIN:
		o->input = *value != '\0' ? value : NULL;
		o->mode = f->mode;
		return 0;
	case FLAG_MODE:
		o->mode = f->mode;
		return 0;
	case FLAG_CONFIG:
		*ret_reason = "expected a file";
		o->config = value;
		return *value != '\0' ? 0 : -EINVAL;
	}
	return -EINVAL;
}

/* A flag that is in neither table: --PROTOCOL ADDRESS.  NAME has LENGTH characters. */
static int
protocol_flag(struct rules *rules, struct settings *settings, const char *flag, size_t length, const char *value,
    struct complaint *ret_complaint)
{
	char name[32];

	if (length < sizeof name) {
		memcpy(name, flag, length);
		name[length] = '\0';
		if (strcmp(name, "any") == 0 || strcmp(name, "silent") == 0 || strcmp(name, "stalled") == 0 ||
		    probe_find(name) != NULL) {
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
parse_flag(struct rules *rules, struct options *options, const char *argument, const char *value, bool *ret_used,
    struct complaint *ret_complaint)
{
	const char *name = argument + 2, *equals = strchr(name, '='), *reason;
	size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct flag *f = find(name, length);
	const struct setting *s = f == NULL ? settings_find(name, length) : NULL;
	const char *wanted;
	int r;

	*ret_used = equals == NULL;
	if (equals != NULL)
		value = equals + 1;
	if (f == NULL && s == NULL)
		return protocol_flag(rules, &options->settings, name, length, value, ret_complaint);
	wanted = f != NULL ? f->argument : s->argument;
	if (wanted == NULL || wanted[0] == '=') {
		*ret_used = false;
		if (equals != NULL && wanted == NULL && f != NULL)
			return complain(ret_complaint, NULL, 0, "--%s: takes no value", f->name);
		value = equals != NULL ? equals + 1 : f != NULL ? "" : "yes";
	} else if (value == NULL)
		return complain(ret_complaint, NULL, 0, "--%.*s: expected %s behind it", (int)length, name, wanted);
	r = f != NULL ? carry_out(options, f, value, &reason) : settings_set(&options->settings, s->name, value, &reason);
	if (r < 0)
		return complain(ret_complaint, NULL, 0, "--%.*s: \"%s\": %s", (int)length, name, value, reason);
	if (f != NULL && f->kind == FLAG_CONFIG && grammar_file(rules, &options->settings, value, ret_complaint) < 0)
		return -EBADMSG;
	return 0;
}

int
options_parse(int argc, char **argv, struct options *options, struct rules *rules, struct complaint *ret_complaint)
{
	bool plain = false;

	for (int i = 1; i < argc; i++) {
		bool used = false;
		int r;

		if (!plain && strcmp(argv[i], "--") == 0) {
			plain = true;
		} else if (!plain && strncmp(argv[i], "--", 2) == 0) {
			r = parse_flag(rules, options, argv[i], argv[i + 1], &used, ret_complaint);
			if (r < 0)
				return r;
			i += used;
		} else if (!plain && argv[i][0] == '-') {
			return complain(ret_complaint, NULL, 0, "%s: no such flag; see usher --help", argv[i]);
		} else if (grammar_line(rules, &options->settings, NULL, 0, argv[i], ret_complaint) < 0)
			return -EBADMSG;
	}
	if (options->mode >= MODE_PROTOCOLS)
		return 0;
	/* --explain without rules names the protocol */
	if (rules->count == 0 && (options->mode != MODE_EXPLAIN || options->config != NULL)) {
		const char *config = options->config != NULL ? options->config : USHER_CONF;

		if (options->config == NULL && grammar_file(rules, &options->settings, config, ret_complaint) < 0)
			return -EBADMSG;
		/* a file that was cut short must not look like a decision to serve nobody */
		if (rules->count == 0) {
			complain(ret_complaint, config, 0, "no rule in it; expected one at least, e.g. any reject");
			return -EBADMSG;
		}
	}
	return grammar_finish(rules, &options->settings, ret_complaint) < 0 ? -EBADMSG : 0;
}

static void
describe(const char *name, const char *argument, const char *mark, const char *help)
{
	char head[64];

	if (argument == NULL)
		snprintf(head, sizeof head, "--%s%s", name, mark);
	else
		snprintf(head, sizeof head, *argument == '=' ? "--%s[%s]%s" : "--%s %s%s", name, argument, mark);
	printf("  %-25s %s\n", head, help);
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
	for (size_t i = 0; i < FLAGS; i++)
		describe(flags[i].name, flags[i].argument, "", flags[i].help);
	for (const struct setting *s = settings_table; s->name != NULL; s++)
		describe(s->name, s->argument, " *", s->help);
	printf("  %-25s %s\n", "--PROTOCOL ADDRESS",
	    "the rule `PROTOCOL connect ADDRESS'; also --any, --silent, --stalled. Protocols:");
	for (const struct probe *p = probes; p->name != NULL; p++)
		printf("%s%s", (p - probes) % 10 == 0 ? "\n    " : " ", p->name);
	printf("\n\nA TIME is 300ms, 3s, 2m or 1h.  What has a * can be set in a file, too: set timeout 5s\n");
}
