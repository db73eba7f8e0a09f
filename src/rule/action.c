#include "config.h"

#include "rule/action.h"

#include <errno.h>
#include <string.h>

static int
parse_exec(struct parser *p, struct action *a, const struct word *words, int count)
{
	if (count == 0)
		return parser_refuse(p, "exec", "expected a program behind it, e.g. exec /usr/sbin/sshd -i");
	if (words[0].text[0] != '/')
		return parser_refuse(p, words[0].text, "expected the absolute path of a program, e.g. /usr/sbin/sshd");
	a->argv = parser_reserve(p, ((size_t)count + 1) * sizeof *a->argv);
	if (a->argv == NULL)
		return -ENOSPC;
	for (int i = 0; i < count; i++)
		a->argv[i] = words[i].text;
	return 0;
}

static int
parse_connect(struct parser *p, struct action *a, const struct word *words, int count)
{
	const char *reason;
	char **items, *written;
	int r;

	if (count == 0)
		return parser_refuse(p, "connect", "expected an address behind it, e.g. connect 127.0.0.1:8443");
	if (count > 1)
		return parser_refuse(p, words[1].text, "connect takes one word, addresses with commas between them");
	r = parser_list(p, words[0].text, &items, &a->count);
	if (r < 0)
		return r;
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
