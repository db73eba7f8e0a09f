#include "config.h"

#include "rule/action.h"

#include <errno.h>
#include <string.h>

/* An option in front of the program, in WORD. */
static int
parse_exec_option(struct parser *p, struct action *a, char *word)
{
	const char *reason;

	if (strncmp(word, "user=", 5) == 0) {
		a->user = word + 5;
		return settings_user(a->user, &a->as, &reason) < 0 ? parser_refuse(p, word, reason) : 0;
	}
	if (strncmp(word, "dir=/", 5) == 0) {
		a->folder = word + 4;
		return 0;
	}
	return parser_refuse(p, word, "expected the absolute path of a program, e.g. /usr/sbin/sshd, or user= or dir=/ before it");
}

static int
parse_exec(struct parser *p, struct action *a, const struct word *words, int count)
{
	int r;

	for (; count > 0 && words[0].text[0] != '/'; words++, count--)
		if ((r = parse_exec_option(p, a, words[0].text)) < 0)
			return r;
	if (count == 0)
		return parser_refuse(p, "exec", "expected a program behind it, e.g. exec /usr/sbin/sshd -i");
	a->argv = parser_reserve(p, ((size_t)count + 1) * sizeof *a->argv);
	if (a->argv == NULL)
		return -ENOSPC;
	for (int i = 0; i < count; i++)
		a->argv[i] = words[i].text;
	return 0;
}

static int
parse_options(struct parser *p, struct action *a, const struct word *words, int count)
{
	struct settings scratch = { 0 };
	const char *reason;

	a->options = parser_reserve(p, (size_t)count * sizeof *a->options);
	if (a->options == NULL)
		return -ENOSPC;
	for (int i = 0; i < count; i++) {
		const char *word = words[i].text, *end = word + strcspn(word, "="), *value = *end == '=' ? end + 1 : NULL;
		const struct setting *s = settings_find(word, (size_t)(end - word));

		if (s != NULL && s->kind == SETTING_BOOL && value == NULL)
			value = "yes";
		if (s == NULL || !s->of_connect || value == NULL)
			return parser_refuse(p, word,
			    "expected an option of connect, e.g. proxy=v2 (addresses have commas between them)");
		for (size_t k = 0; k < a->option_count; k++)
			if (a->options[k].setting == s)
				return parser_refuse(p, word, "this option is there twice");
		if (settings_set(&scratch, s->name, value, &reason) < 0)
			return parser_refuse(p, word, reason);
		a->options[a->option_count++] = (struct option){ s, value };
	}
	a->needs_admin = settings_need_admin(&scratch);
	for (size_t i = 0; i < a->count; i++)
		if (scratch.transparent && a->endpoints[i].address.length > 0 && !address_is_ip(&a->endpoints[i].address))
			return parser_refuse(p, a->endpoints[i].text, "transparent is for IP addresses alone");
	return 0;
}

/* The addresses in LIST, which is cut. */
static int
parse_addresses(struct parser *p, struct action *a, char *list)
{
	const char *reason;
	char **items, *written;
	int r = parser_list(p, list, &items, &a->count);

	if (r < 0)
		return r;
	if (a->count > BALANCE_MAX)
		return parser_refuse(p, items[BALANCE_MAX], "a rule has 64 backends at most");
	a->endpoints = parser_reserve(p, a->count * sizeof *a->endpoints);
	if (a->endpoints == NULL)
		return -ENOSPC;
	for (size_t i = 0; i < a->count; i++) {
		/* parsing cuts the text, a complaint quotes it whole */
		written = parser_reserve(p, strlen(items[i]) + 1);
		if (written == NULL)
			return -ENOSPC;
		strcpy(written, items[i]);
		if (endpoint_parse(items[i], &a->endpoints[i], &reason) < 0)
			return parser_refuse(p, written, reason);
		a->endpoints[i].text = written;
	}
	return 0;
}

static int
parse_connect(struct parser *p, struct action *a, const struct word *words, int count)
{
	int r;

	if (count == 0)
		return parser_refuse(p, "connect", "expected an address behind it, e.g. connect 127.0.0.1:8443");
	r = parse_addresses(p, a, words[0].text);
	return r < 0 ? r : parse_options(p, a, words + 1, count - 1);
}

static int
parse_pass(struct parser *p, struct action *a, const struct word *words, int count)
{
	int r;

	if (count != 1)
		return parser_refuse(p, count == 0 ? "pass" : words[1].text,
		    "expected Unix sockets behind pass, with commas between them, e.g. pass unix:/run/x");
	r = parse_addresses(p, a, words[0].text);
	for (size_t i = 0; r == 0 && i < a->count; i++)
		if (a->endpoints[i].address.length == 0 || a->endpoints[i].address.sa.sa_family != AF_UNIX)
			r = parser_refuse(p, a->endpoints[i].text, "expected a Unix socket, e.g. unix:/run/x");
	return r;
}

static int
parse_reply(struct parser *p, struct action *a, const struct word *words, int count)
{
	if (count != 1)
		return parser_refuse(p, count == 0 ? "reply" : words[1].text, "expected one text in quotes behind reply");
	a->reply = words[0].text;
	a->count = strlen(a->reply);
	return 0;
}

static int
parse_nothing(struct parser *p, struct action *a, const struct word *words, int count)
{
	(void)a;
	return count == 0 ? 0 : parser_refuse(p, words[0].text, "expected nothing behind reject or close");
}

static const struct {
	const char *name;
	enum action_kind kind;
	int (*parse)(struct parser *p, struct action *a, const struct word *words, int count);
} actions[] = {
	{ "exec", ACTION_EXEC, parse_exec },
	{ "connect", ACTION_CONNECT, parse_connect },
	{ "pass", ACTION_PASS, parse_pass },
	{ "reply", ACTION_REPLY, parse_reply },
	{ "reject", ACTION_REJECT, parse_nothing },
	{ "close", ACTION_CLOSE, parse_nothing },
};

int
action_find(const struct word *w)
{
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (strcmp(actions[i].name, w->text) == 0)
			return (int)i;
	return -1;
}

int
action_parse(struct parser *p, struct action *a, int action, const struct word *words, int count)
{
	a->kind = actions[action].kind;
	return actions[action].parse(p, a, words, count);
}

const struct settings *
action_settings(const struct action *a, const struct settings *all, struct settings *own)
{
	const char *reason;

	if (a->option_count == 0)
		return all;
	*own = *all;
	for (size_t i = 0; i < a->option_count; i++)
		settings_set(own, a->options[i].setting->name, a->options[i].value, &reason);
	return own;
}
