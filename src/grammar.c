#include "config.h"

#include "grammar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

/* What is being read, for every function below. */
struct parser {
	struct rules *rules;
	const char *origin;
	unsigned line;
	struct complaint *complaint;
};

int
complain(struct complaint *c, const char *origin, unsigned line, const char *format, ...)
{
	va_list arguments;
	size_t n = 0;

	c->text[0] = '\0';
	if (origin != NULL)
		n = (size_t)snprintf(c->text, sizeof c->text, line > 0 ? "%.200s:%u: " : "%.200s: ", origin, line);
	va_start(arguments, format);
	vsnprintf(c->text + n, sizeof c->text - n, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Complain of READ, where something else was EXPECTED. */
static int
refuse(struct parser *p, const char *read, const char *expected)
{
	return complain(p->complaint, p->origin, p->line, "\"%.120s\": %s", read, expected);
}

/* SIZE zeroed bytes that last as long as the rules, or NULL with a complaint. */
static void *
reserve(struct parser *p, size_t size)
{
	struct rules *r = p->rules;
	void *space = r->storage + r->used;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (size > sizeof r->storage - r->used) {
		complain(p->complaint, p->origin, p->line, "the rules need more than %zu bytes", sizeof r->storage);
		return NULL;
	}
	r->used += size;
	return space;
}

/* Cut LIST at its commas, in place.  Returns a NULL-terminated array, with the number of items in *ret_count, or NULL. */
static char **
cut_list(struct parser *p, char *list, size_t *ret_count)
{
	size_t count = 1;
	char **items;

	for (const char *c = list; *c != '\0'; c++)
		count += *c == ',';
	items = reserve(p, (count + 1) * sizeof *items);
	if (items == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		items[i] = list;
		list += strcspn(list, ",");
		*list++ = '\0';
		if (*items[i] == '\0') {
			refuse(p, ",", "an item of the list is empty");
			return NULL;
		}
	}
	*ret_count = count;
	return items;
}

/* Take @OFFSET from the end of VALUE, at or behind byte FROM. */
static int
take_offset(struct parser *p, char *value, size_t from, size_t *ret_offset)
{
	char *at = strrchr(value + from, '@'), *end;
	unsigned long offset;

	*ret_offset = 0;
	if (at == NULL)
		return 0;
	offset = strtoul(at + 1, &end, 10);
	if (at[1] < '0' || at[1] > '9' || *end != '\0' || offset >= 65536)
		return refuse(p, at, "expected @OFFSET, a number of bytes below 65536");
	*at = '\0';
	*ret_offset = offset;
	return 0;
}

static int
parse_bytes(struct parser *p, struct condition *c, char *value)
{
	size_t length;

	c->kind = CONDITION_BYTES;
	if (take_offset(p, value, 0, &c->offset) < 0)
		return -EINVAL;
	length = strlen(value);
	if (length == 0 || length % 2 != 0)
		return refuse(p, value, "expected pairs of hexadecimal digits, ? for any digit, e.g. bytes=16030?");
	c->length = length / 2;
	c->bytes = reserve(p, length);
	if (c->bytes == NULL)
		return -ENOSPC;
	c->mask = c->bytes + c->length;
	for (size_t i = 0; i < length; i++) {
		int digit = words_hex(value[i]), shift = i % 2 == 0 ? 4 : 0;

		if (value[i] == '?')
			continue;
		if (digit < 0)
			return refuse(p, value, "expected hexadecimal digits, ? for any digit");
		c->bytes[i / 2] |= (uint8_t)(digit << shift);
		c->mask[i / 2] |= (uint8_t)(15 << shift);
	}
	return 0;
}

static int
parse_text(struct parser *p, struct condition *c, char *value, size_t quoted)
{
	c->kind = CONDITION_BYTES;
	if (take_offset(p, value, quoted, &c->offset) < 0)
		return -EINVAL;
	c->length = strlen(value);
	if (c->length == 0)
		return refuse(p, "text=", "expected text behind it");
	c->bytes = (uint8_t *)value;
	c->mask = reserve(p, c->length);
	if (c->mask == NULL)
		return -ENOSPC;
	memset(c->mask, 0xff, c->length);
	return 0;
}

static int
parse_regex(struct parser *p, struct condition *c, const char *value)
{
	char reason[128];
	int r;

	c->kind = CONDITION_REGEX;
	c->regex = reserve(p, sizeof *c->regex);
	if (c->regex == NULL)
		return -ENOSPC;
	r = regcomp(c->regex, value, REG_EXTENDED | REG_NOSUB);
	if (r == 0)
		return 0;
	regerror(r, c->regex, reason, sizeof reason);
	return complain(p->complaint, p->origin, p->line, "\"%.120s\": not an extended regular expression: %s", value, reason);
}

static int
parse_networks(struct parser *p, struct condition *c, char *value)
{
	char **items = cut_list(p, value, &c->length);
	const char *reason;

	if (items == NULL || (c->networks = reserve(p, c->length * sizeof *c->networks)) == NULL)
		return -EINVAL;
	for (size_t i = 0; i < c->length; i++)
		if (cidr_parse(items[i], &c->networks[i], &reason) < 0)
			return refuse(p, items[i], reason);
	return 0;
}

static int
parse_ports(struct parser *p, struct condition *c, char *value)
{
	char **items = cut_list(p, value, &c->length);

	c->kind = CONDITION_PORT;
	if (items == NULL || (c->ports = reserve(p, c->length * sizeof *c->ports)) == NULL)
		return -EINVAL;
	for (size_t i = 0; i < c->length; i++) {
		char *end;
		unsigned long port = strtoul(items[i], &end, 10);

		if (*items[i] < '0' || *items[i] > '9' || *end != '\0' || port == 0 || port > 65535)
			return refuse(p, items[i], "expected a port from 1 to 65535");
		c->ports[i] = (uint16_t)port;
	}
	return 0;
}

static int
parse_silent(struct parser *p, struct condition *c, const char *value)
{
	const char *reason;

	c->kind = CONDITION_SILENT;
	c->silent_ms = SILENT_TIMEOUT;
	if (value != NULL && options_time(value, &c->silent_ms, &reason) < 0)
		return refuse(p, value, reason);
	return 0;
}

/* NAME=VALUE where NAME is an attribute of the protocol that the rule has named. */
static int
parse_attribute(struct parser *p, struct condition *c, const struct probe *probe, const char *name, char *value)
{
	char known[128] = "";
	size_t count;

	if (probe == NULL)
		return refuse(p, name, "expected bytes, text, regex, from, to, port or silent before the =, or an attribute "
		    "behind its protocol, e.g. tls sni=www.example.org");
	for (const struct attribute_kind *a = probe->attributes; a->name != NULL; a++) {
		if (strcmp(a->name, name) == 0)
			c->attribute = a;
		snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", *known == '\0' ? "" : ", ", a->name);
	}
	if (c->attribute == NULL)
		return complain(p->complaint, p->origin, p->line, "\"%.60s\": not an attribute of %s, which has %s", name,
		    probe->name, *known == '\0' ? "none" : known);
	c->kind = CONDITION_ATTRIBUTE;
	c->probe = probe;
	c->globs = cut_list(p, value, &count);
	return c->globs == NULL ? -EINVAL : 0;
}

/* NAME=VALUE.  QUOTED: how much of VALUE was between quotes. */
static int
parse_valued(struct parser *p, struct condition *c, const struct probe *probe, const char *name, char *value, size_t quoted)
{
	if (*value == '\0')
		return refuse(p, name, "expected a value behind the =");
	if (strcmp(name, "bytes") == 0)
		return parse_bytes(p, c, value);
	if (strcmp(name, "text") == 0)
		return parse_text(p, c, value, quoted);
	if (strcmp(name, "regex") == 0)
		return parse_regex(p, c, value);
	if (strcmp(name, "port") == 0)
		return parse_ports(p, c, value);
	if (strcmp(name, "silent") == 0)
		return parse_silent(p, c, value);
	c->kind = strcmp(name, "to") == 0 ? CONDITION_TO : CONDITION_FROM;
	if (c->kind == CONDITION_TO || strcmp(name, "from") == 0)
		return parse_networks(p, c, value);
	return parse_attribute(p, c, probe, name, value);
}

static int
parse_name(struct parser *p, struct condition *c, const struct probe *named, const char *name)
{
	if (strcmp(name, "any") == 0) {
		c->kind = CONDITION_ANY;
		return 0;
	}
	if (strcmp(name, "silent") == 0)
		return parse_silent(p, c, NULL);
	c->kind = CONDITION_PROTOCOL;
	c->probe = probe_find(name);
	if (c->probe == NULL)
		return refuse(p, name, "expected a protocol (usher --protocols lists them), any, silent, a condition with =, or "
		    "exec, connect, reply, reject, close");
	if (named != NULL && !c->negated)
		return complain(p->complaint, p->origin, p->line, "\"%.60s\": the rule is about %s already, and no connection is both",
		    name, named->name);
	return 0;
}

/* The condition in W.  *PROBE: the protocol that the rule is about. */
static int
parse_condition(struct parser *p, struct rule *rule, struct condition ***tail, struct word *w)
{
	struct condition *c = reserve(p, sizeof *c);
	char *text = w->text, *equals;
	int r;

	if (c == NULL)
		return -ENOSPC;
	if (*text == '!') {
		c->negated = true;
		text++;
	}
	equals = strchr(text, '=');
	if (equals != NULL) {
		size_t value = (size_t)(equals + 1 - w->text);

		*equals = '\0';
		r = parse_valued(p, c, rule_protocol(rule), text, equals + 1, w->quoted > value ? w->quoted - value : 0);
	} else
		r = parse_name(p, c, rule_protocol(rule), text);
	if (r < 0)
		return r;
	**tail = c;
	*tail = &c->next;
	return 0;
}

static int
parse_exec(struct parser *p, struct action *a, const struct word *words, int count)
{
	if (count == 0)
		return refuse(p, "exec", "expected a program behind it, e.g. exec /usr/sbin/sshd -i");
	if (words[0].text[0] != '/')
		return refuse(p, words[0].text, "expected the absolute path of a program, e.g. /usr/sbin/sshd");
	a->argv = reserve(p, ((size_t)count + 1) * sizeof *a->argv);
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

	if (count == 0)
		return refuse(p, "connect", "expected an address behind it, e.g. connect 127.0.0.1:8443");
	if (count > 1)
		return refuse(p, words[1].text, "connect takes one word, addresses with commas between them");
	items = cut_list(p, words[0].text, &a->count);
	if (items == NULL || (a->endpoints = reserve(p, a->count * sizeof *a->endpoints)) == NULL)
		return -EINVAL;
	for (size_t i = 0; i < a->count; i++) {
		/* parsing cuts the text, a complaint quotes it whole */
		written = reserve(p, strlen(items[i]) + 1);
		if (written == NULL)
			return -ENOSPC;
		strcpy(written, items[i]);
		if (endpoint_parse(items[i], &a->endpoints[i], &reason) < 0)
			return refuse(p, written, reason);
		a->endpoints[i].text = written;
	}
	return 0;
}

static int
parse_reply(struct parser *p, struct action *a, const struct word *words, int count)
{
	if (count != 1)
		return refuse(p, count == 0 ? "reply" : words[1].text, "expected one text in quotes behind reply");
	a->reply = words[0].text;
	a->count = strlen(a->reply);
	return 0;
}

static int
parse_nothing(struct parser *p, struct action *a, const struct word *words, int count)
{
	(void)a;
	return count == 0 ? 0 : refuse(p, words[0].text, "expected nothing behind reject or close");
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

/* Which action W is, or -1: a condition. */
static int
find_action(const struct word *w)
{
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (strcmp(actions[i].name, w->text) == 0)
			return (int)i;
	return -1;
}

static int
parse_rule(struct parser *p, struct word *words, int count, const char *written)
{
	struct rule *rule = reserve(p, sizeof *rule);
	struct condition **tail;
	int i, action = -1, r;

	if (rule == NULL)
		return -ENOSPC;
	rule->origin = p->origin;
	rule->line = p->line;
	tail = &rule->conditions;
	for (i = 0; i < count && (action = find_action(&words[i])) < 0; i++)
		if ((r = parse_condition(p, rule, &tail, &words[i])) < 0)
			return r;
	if (action < 0)
		return refuse(p, written, "expected exec, connect, reply, reject or close behind the conditions");
	if (i == 0)
		return refuse(p, words[0].text, "expected a condition before it; any holds always");
	rule->action.kind = actions[action].kind;
	rule->action.text = written + words[i].start;
	r = actions[action].parse(p, &rule->action, words + i + 1, count - i - 1);
	if (r < 0)
		return r;
	rule->number = ++p->rules->count;
	if (p->rules->last != NULL)
		p->rules->last->next = rule;
	else
		p->rules->first = rule;
	p->rules->last = rule;
	return 0;
}

static int
parse_set(struct parser *p, struct settings *settings, const struct word *words, int count)
{
	const char *reason;

	if (p->line == 0)
		return refuse(p, "set", "belongs into a file; on the command line there are flags, e.g. --timeout 3s");
	if (count != 3)
		return refuse(p, "set", "expected a name and a value behind it, e.g. set timeout 3s");
	if (options_set(settings, words[1].text, words[2].text, &reason) < 0)
		return complain(p->complaint, p->origin, p->line, "\"set %.60s %.60s\": %s", words[1].text, words[2].text, reason);
	return 0;
}

/* A copy of LINE without white space at its end. */
static char *
copy_line(struct parser *p, const char *line)
{
	size_t length = strlen(line);
	char *copy;

	while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
		length--;
	copy = reserve(p, length + 1);
	if (copy != NULL)
		memcpy(copy, line, length);
	return copy;
}

int
grammar_line(struct rules *rules, struct settings *settings, const char *origin, unsigned line_number, const char *line,
    struct complaint *ret_complaint)
{
	struct parser p = { rules, line_number > 0 ? origin : "command line", line_number, ret_complaint };
	struct word words[WORDS_MAX];
	const char *reason;
	char *written, *cut;
	int count;

	if (line[strspn(line, " \t\r\n")] == '\0' || line[strspn(line, " \t")] == '#')
		return 0;
	written = copy_line(&p, line);
	cut = written != NULL ? copy_line(&p, line) : NULL;
	if (cut == NULL)
		return -ENOSPC;
	count = words_cut(cut, words, &reason);
	if (count < 0)
		return refuse(&p, written, reason);
	if (strcmp(words[0].text, "set") == 0)
		return parse_set(&p, settings, words, count);
	return parse_rule(&p, words, count, written);
}

/* Read the whole of FD into the free part of the storage.  Returns how much that is or -errno. */
static ssize_t
read_all(int fd, struct rules *rules)
{
	char *start = rules->storage + rules->used;
	size_t room = sizeof rules->storage - rules->used, length = 0;

	for (;;) {
		ssize_t n = read(fd, start + length, room - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)length;
		length += (size_t)n;
		if (length == room)
			return -EFBIG;
	}
}

int
grammar_file(struct rules *rules, struct settings *settings, const char *path, struct complaint *ret_complaint)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	char *line = rules->storage + rules->used, *end, *next;
	ssize_t length = fd < 0 ? -errno : read_all(fd, rules);
	unsigned number = 0;

	if (fd >= 0)
		close(fd);
	if (length < 0) {
		complain(ret_complaint, path, 0, "cannot read the rules: %s", strerror((int)-length));
		return (int)length;
	}
	end = line + length;
	/* the text stays where it was read, what is made of it goes behind it */
	rules->used += ((size_t)length + _Alignof(max_align_t)) & ~(_Alignof(max_align_t) - 1);
	for (; line < end && r == 0; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			next = end;
		*next = '\0';
		number++;
		if (strlen(line) != (size_t)(next - line))
			return complain(ret_complaint, path, number, "\"%.120s\": a NUL byte follows; expected a text file", line);
		r = grammar_line(rules, settings, path, number, line, ret_complaint);
	}
	return r;
}

int
grammar_flag(struct rules *rules, struct settings *settings, const char *protocol, const char *address,
    struct complaint *ret_complaint)
{
	char line[512];

	if ((size_t)snprintf(line, sizeof line, "%s connect %s", protocol, address) >= sizeof line)
		return complain(ret_complaint, NULL, 0, "--%s: the address is too long", protocol);
	return grammar_line(rules, settings, NULL, 0, line, ret_complaint);
}

int
grammar_finish(const struct rules *rules, const struct settings *settings, struct complaint *ret_complaint)
{
	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next)
		for (const struct condition *c = rule->conditions; c != NULL; c = c->next)
			if (c->kind == CONDITION_SILENT && c->silent_ms > settings->timeout_ms)
				return complain(ret_complaint, rule->origin, rule->line,
				    "\"silent=%dms\": longer than the timeout of %dms, so it cannot hold; raise the timeout",
				    c->silent_ms, settings->timeout_ms);
	return 0;
}
