/* Words to conditions. */
#include "config.h"

#include "rule/condition.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "rule/pattern.h"
#include "rule/prefix.h"
#include "rule/settings.h"

static int
parse_regex(struct parser *p, struct condition *c, const char *value)
{
	char reason[128];
	int r;

	c->kind = CONDITION_REGEX;
	c->regex = parser_reserve(p, sizeof *c->regex);
	if (c->regex == NULL)
		return -ENOSPC;
	c->bytes = parser_reserve(p, strlen(value));
	if (c->bytes == NULL)
		return -ENOSPC;
	c->length = prefix_of(value, c->bytes);
	r = regcomp(c->regex, value, REG_EXTENDED | REG_NOSUB);
	if (r == 0)
		return 0;
	regerror(r, c->regex, reason, sizeof reason);
	return complain(p->complaint, p->origin, p->line, "\"%.120s\": not an extended regular expression: %s", value, reason);
}

static int
parse_networks(struct parser *p, struct condition *c, char *value)
{
	char **items;
	int r = parser_list(p, value, &items, &c->length);
	const char *reason;

	if (r < 0)
		return r;
	c->networks = parser_reserve(p, c->length * sizeof *c->networks);
	if (c->networks == NULL)
		return -ENOSPC;
	for (size_t i = 0; i < c->length; i++)
		if (cidr_parse(items[i], &c->networks[i], &reason) < 0)
			return parser_refuse(p, items[i], reason);
	return 0;
}

static int
parse_ports(struct parser *p, struct condition *c, char *value)
{
	char **items;
	int r = parser_list(p, value, &items, &c->length);

	c->kind = CONDITION_PORT;
	if (r < 0)
		return r;
	c->ports = parser_reserve(p, c->length * sizeof *c->ports);
	if (c->ports == NULL)
		return -ENOSPC;
	for (size_t i = 0; i < c->length; i++) {
		uint64_t port;

		if (number_parse(items[i], 65535, &port) < 0 || port == 0)
			return parser_refuse(p, items[i], "expected a port from 1 to 65535");
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
	if (value != NULL && settings_time(value, &c->silent_ms, &reason) < 0)
		return parser_refuse(p, value, reason);
	if (c->silent_ms == 0)
		return parser_refuse(p, value, "expected more than no time; any holds at once");
	return 0;
}

/* NAME=VALUE where NAME is an attribute of the protocol that the rule has named. */
static int
parse_attribute(struct parser *p, struct condition *c, const struct probe *probe, const char *name, char *value)
{
	char known[128] = "";
	size_t count;

	if (probe == NULL)
		return parser_refuse(p, name, "expected bytes, text, regex, from, to, port or silent before the =, or an attribute "
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
	return parser_list(p, value, &c->globs, &count);
}

/* NAME=VALUE.  R reads VALUE as it was written. */
static int
parse_valued(struct parser *p, struct condition *c, const struct probe *probe, const char *name, char *value,
    struct word_reader r)
{
	if (*value == '\0')
		return parser_refuse(p, name, "expected a value behind the =");
	if (strcmp(name, "bytes") == 0)
		return pattern_bytes(p, c, value);
	if (strcmp(name, "text") == 0)
		return pattern_text(p, c, value, r);
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

/* Protocols that cannot be recognised by first bytes: the client waits for the server's greeting. */
static bool
server_speaks_first(const char *name)
{
	static const char *const names[] = {
		"ftp", "imap", "managesieve", "mariadb", "mpd", "mysql", "nats", "nntp", "pop3", "smtp", "vnc",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
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
	if (strcmp(name, "stalled") == 0) {
		c->kind = CONDITION_STALLED;
		return 0;
	}
	c->kind = CONDITION_PROTOCOL;
	c->probe = probe_find(name);
	if (c->probe == NULL && server_speaks_first(name))
		return parser_refuse(p, name,
		    "its server speaks first and its client waits, so only silence tells it: write silent, or "
		    "silent=300ms");
	if (c->probe == NULL)
		return parser_refuse(p, name,
		    "expected a protocol (usher --protocols lists them), any, silent, stalled, a condition with =, or "
		    "exec, connect, reply, reject, close");
	if (named != NULL && !c->negated)
		return complain(p->complaint, p->origin, p->line,
		    "\"%.60s\": the rule is about %s already, and no connection is both", name, named->name);
	return 0;
}

/* A reader of the WORD, behind its first COUNT bytes. */
static struct word_reader
reader_at(const char *word, ptrdiff_t count)
{
	struct word_reader r = { .from = word };
	const char *reason;
	bool quoted;

	while (count-- > 0)
		words_next(&r, &quoted, &reason);
	return r;
}

int
condition_parse(struct parser *p, struct rule *rule, struct condition ***tail, struct word *w, const char *written)
{
	struct condition *c = parser_reserve(p, sizeof *c);
	char *text = w->text, *equals;
	int r;

	if (c == NULL)
		return -ENOSPC;
	if (*text == '!') {
		c->negated = true;
		if (*++text == '\0')
			return parser_refuse(p, w->text, "expected a condition behind it, without a space");
	}
	equals = strchr(text, '=');
	if (equals != NULL) {
		*equals = '\0';
		r = parse_valued(p, c, rule_protocol(rule), text, equals + 1, reader_at(written + w->start, equals + 1 - w->text));
	} else
		r = parse_name(p, c, rule_protocol(rule), text);
	if (r < 0)
		return r;
	**tail = c;
	*tail = &c->next;
	return 0;
}
