/* Words to conditions. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"

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
		return parser_refuse(p, at, "expected @OFFSET, a number of bytes below 65536");
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
		return parser_refuse(p, value, "expected pairs of hexadecimal digits, ? for any digit, e.g. bytes=16030?");
	c->length = length / 2;
	c->bytes = parser_reserve(p, length);
	if (c->bytes == NULL)
		return -ENOSPC;
	c->mask = c->bytes + c->length;
	for (size_t i = 0; i < length; i++) {
		int digit = words_hex(value[i]), shift = i % 2 == 0 ? 4 : 0;

		if (value[i] == '?')
			continue;
		if (digit < 0)
			return parser_refuse(p, value, "expected hexadecimal digits, ? for any digit");
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
		return parser_refuse(p, "text=", "expected text behind it");
	c->bytes = (uint8_t *)value;
	c->mask = parser_reserve(p, c->length);
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
	c->regex = parser_reserve(p, sizeof *c->regex);
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
	char **items = parser_list(p, value, &c->length);
	const char *reason;

	if (items == NULL || (c->networks = parser_reserve(p, c->length * sizeof *c->networks)) == NULL)
		return -EINVAL;
	for (size_t i = 0; i < c->length; i++)
		if (cidr_parse(items[i], &c->networks[i], &reason) < 0)
			return parser_refuse(p, items[i], reason);
	return 0;
}

static int
parse_ports(struct parser *p, struct condition *c, char *value)
{
	char **items = parser_list(p, value, &c->length);

	c->kind = CONDITION_PORT;
	if (items == NULL || (c->ports = parser_reserve(p, c->length * sizeof *c->ports)) == NULL)
		return -EINVAL;
	for (size_t i = 0; i < c->length; i++) {
		char *end;
		unsigned long port = strtoul(items[i], &end, 10);

		if (*items[i] < '0' || *items[i] > '9' || *end != '\0' || port == 0 || port > 65535)
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
	if (value != NULL && options_time(value, &c->silent_ms, &reason) < 0)
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
	c->globs = parser_list(p, value, &count);
	return c->globs == NULL ? -EINVAL : 0;
}

/* NAME=VALUE.  QUOTED: how much of VALUE was between quotes. */
static int
parse_valued(struct parser *p, struct condition *c, const struct probe *probe, const char *name, char *value, size_t quoted)
{
	if (*value == '\0')
		return parser_refuse(p, name, "expected a value behind the =");
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

/* People name these, but no first bytes tell them: the client waits for the server's greeting. */
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
	c->kind = CONDITION_PROTOCOL;
	c->probe = probe_find(name);
	if (c->probe == NULL && server_speaks_first(name))
		return parser_refuse(p, name, "its server speaks first and its client waits, so only silence tells it: write silent, or "
		    "silent=300ms");
	if (c->probe == NULL)
		return parser_refuse(p, name, "expected a protocol (usher --protocols lists them), any, silent, a condition with =, or "
		    "exec, connect, reply, reject, close");
	if (named != NULL && !c->negated)
		return complain(p->complaint, p->origin, p->line, "\"%.60s\": the rule is about %s already, and no connection is both",
		    name, named->name);
	return 0;
}

int
condition_parse(struct parser *p, struct rule *rule, struct condition ***tail, struct word *w)
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
