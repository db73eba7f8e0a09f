#include "config.h"

#include "rule/rule.h"

#include <string.h>

#include "rule/glob.h"

/* Note that a verdict can change when there are TOTAL bytes; 0, or what is there already: with the next one. */
static enum verdict
wait_for_bytes(struct awaited *p, struct span have, size_t total)
{
	if (total <= have.length)
		total = have.length + 1;
	if (total < p->want)
		p->want = total;
	return PROBE_MORE;
}

static enum verdict
protocol_verdict(const struct condition *c, const struct evidence *e, struct readings *r, struct awaited *p)
{
	enum verdict v = readings_get(r, c->probe, e->bytes);

	return v == PROBE_MORE ? wait_for_bytes(p, e->bytes, r->reading.want) : v;
}

static bool
matches_any(char *const *globs, struct span value, enum attribute_type type)
{
	for (; *globs != NULL; globs++)
		if (glob_matches(*globs, value, type))
			return true;
	return false;
}

static enum verdict
attribute_verdict(const struct condition *c, const struct evidence *e, struct readings *r, struct awaited *p)
{
	enum verdict v = protocol_verdict(c, e, r, p);

	if (v != PROBE_YES)
		return v;
	for (size_t i = 0; i < r->reading.count; i++) {
		const struct attribute *a = &r->reading.attribute[i];

		if (strcmp(a->name, c->attribute->name) == 0 && matches_any(c->globs, a->value, c->attribute->type))
			return PROBE_YES;
	}
	if (!reading_lacks(&r->reading, c->attribute->name))
		return PROBE_NO;
	/* the protocol is known, so this is no verdict; and no byte that comes will make it one */
	if (r->reading.complete || e->final) {
		p->unread = c->attribute;
		return PROBE_MORE;
	}
	return wait_for_bytes(p, e->bytes, r->reading.want);
}

/* With PROBE_MORE: *ret_next total bytes can make it PROBE_NO. */
static enum verdict
pattern_verdict(const struct pattern *pattern, struct span bytes, size_t *ret_next)
{
	for (size_t i = 0; i < pattern->length; i++) {
		int byte = span_at(bytes, pattern->offset + i);

		*ret_next = pattern->offset + i + 1;
		if (byte < 0)
			return PROBE_MORE;
		if ((byte & pattern->mask[i]) != pattern->bytes[i])
			return PROBE_NO;
	}
	return PROBE_YES;
}

/* YES needs all the bytes of one pattern, NO another byte for each that is left; what comes first is waited for. */
static enum verdict
bytes_verdict(const struct condition *c, const struct evidence *e, struct awaited *p)
{
	size_t yes = SIZE_MAX, no = 0;

	for (size_t i = 0; i < c->length; i++) {
		const struct pattern *pattern = &c->patterns[i];
		size_t next;
		enum verdict v = pattern_verdict(pattern, e->bytes, &next);

		if (v == PROBE_YES)
			return PROBE_YES;
		if (v == PROBE_NO)
			continue;
		if (pattern->offset + pattern->length < yes)
			yes = pattern->offset + pattern->length;
		if (next > no)
			no = next;
	}
	return no == 0 ? PROBE_NO : wait_for_bytes(p, e->bytes, yes < no ? yes : no);
}

static enum verdict
regex_verdict(const struct condition *c, const struct evidence *e, struct awaited *p)
{
	char text[REGEX_WINDOW + 1];
	struct span seen = span_slice(e->bytes, 0, REGEX_WINDOW);
	bool full = seen.length == REGEX_WINDOW || span_find(seen, 0, '\0') < seen.length;

	if (!span_agrees(seen, c->bytes, c->length))
		return PROBE_NO;
	memcpy(text, seen.bytes, seen.length);
	text[seen.length] = '\0';
	/* `$' must not match where more bytes will come, or what it says would change with them */
	if (regexec(c->regex, text, 0, NULL, full || e->final ? 0 : REG_NOTEOL) == 0)
		return PROBE_YES;
	return full ? PROBE_NO : wait_for_bytes(p, e->bytes, 0);
}

static enum verdict
silent_verdict(const struct condition *c, const struct evidence *e, struct awaited *p)
{
	int64_t time = c->silent_ms == SILENT_TIMEOUT ? e->timeout_ms : c->silent_ms;

	if (e->bytes.length > 0)
		return PROBE_NO;
	if (e->quiet_ms >= time)
		return PROBE_YES;
	if (time < p->quiet_ms)
		p->quiet_ms = time;
	return wait_for_bytes(p, e->bytes, 0);
}

/* Bytes that no earlier rule waits for said enough. */
static enum verdict
stalled_verdict(const struct evidence *e)
{
	if (e->bytes.length > 0 && !e->waiting)
		return PROBE_NO;
	return e->timed_out ? PROBE_YES : PROBE_MORE;
}

static enum verdict
network_verdict(const struct condition *c, const struct address *address)
{
	for (size_t i = 0; i < c->length; i++)
		if (cidr_contains(&c->networks[i], address))
			return PROBE_YES;
	return PROBE_NO;
}

static enum verdict
port_verdict(const struct condition *c, const struct address *local)
{
	for (size_t i = 0; i < c->length; i++)
		if (address_port(local) == c->ports[i])
			return PROBE_YES;
	return PROBE_NO;
}

/* Whether C is known without any of the client's bytes. */
static bool
is_of_address(const struct condition *c)
{
	return c->kind == CONDITION_FROM || c->kind == CONDITION_TO || c->kind == CONDITION_PORT;
}

/* Of from=, to= and port=. */
static enum verdict
address_verdict(const struct condition *c, struct connection *connection)
{
	if (c->kind == CONDITION_FROM)
		return network_verdict(c, &connection->peer);
	return c->kind == CONDITION_TO ? network_verdict(c, intake_local(connection)) : port_verdict(c, intake_local(connection));
}

/* What C says without its negation. */
static enum verdict
plain_verdict(const struct condition *c, const struct evidence *e, struct readings *r, struct awaited *p)
{
	switch (c->kind) {
	case CONDITION_ANY:
		return PROBE_YES;
	case CONDITION_PROTOCOL:
		return protocol_verdict(c, e, r, p);
	case CONDITION_ATTRIBUTE:
		return attribute_verdict(c, e, r, p);
	case CONDITION_BYTES:
		return bytes_verdict(c, e, p);
	case CONDITION_REGEX:
		return regex_verdict(c, e, p);
	case CONDITION_SILENT:
		return silent_verdict(c, e, p);
	case CONDITION_STALLED:
		return stalled_verdict(e);
	case CONDITION_FROM:
	case CONDITION_TO:
	case CONDITION_PORT:
		return address_verdict(c, e->connection);
	}
	return PROBE_NO;
}

/* PROBE_MORE is left as it is: what becomes of it at the end is the rule's affair. */
static enum verdict
condition_verdict(const struct condition *c, const struct evidence *e, struct readings *r, struct awaited *p)
{
	enum verdict v = plain_verdict(c, e, r, p);

	if (v == PROBE_MORE || !c->negated)
		return v;
	return v == PROBE_YES ? PROBE_NO : PROBE_YES;
}

enum verdict
rule_verdict(const struct rule *rule, const struct evidence *e, struct readings *r, struct awaited *p)
{
	struct awaited mine = { .want = p->want, .quiet_ms = p->quiet_ms };
	const struct attribute_kind *unread = NULL;
	bool waits = false;

	p->unread = NULL;
	p->waited = false;
	for (const struct condition *c = rule->conditions; c != NULL; c = c->next) {
		enum verdict v;

		mine.unread = NULL;
		v = condition_verdict(c, e, r, &mine);
		if (v == PROBE_NO)
			return PROBE_NO;
		if (mine.unread != NULL && unread == NULL)
			unread = mine.unread;
		/* at the end it counts as NO, and its negation as YES */
		if (v == PROBE_MORE && mine.unread == NULL && !(e->final && c->negated))
			waits = true;
	}
	/* what only did not come refuses no more than the attribute does; while it can come it may */
	if (unread != NULL && (e->final || !waits)) {
		p->unread = e->undecided_next ? NULL : unread;
		return e->undecided_next ? PROBE_NO : PROBE_MORE;
	}
	if (!waits)
		return PROBE_YES;
	p->waited = e->final;
	if (e->final)
		return PROBE_NO;
	p->want = mine.want;
	p->quiet_ms = mine.quiet_ms;
	return PROBE_MORE;
}

const char *
rule_says(enum verdict v, const struct awaited *p)
{
	static const char *const names[] = { [PROBE_NO] = "NO", [PROBE_MORE] = "MORE", [PROBE_YES] = "YES" };

	return v == PROBE_MORE && p->unread != NULL ? "UNDECIDED" : names[v];
}

bool
rule_has(const struct rule *rule, enum condition_kind kind)
{
	for (const struct condition *c = rule->conditions; c != NULL; c = c->next)
		if (c->kind == kind && !c->negated)
			return true;
	return false;
}

/* Whether RULE sends nobody on: what it denies should not get to a later rule. */
static bool
denies(const struct rule *rule)
{
	const enum action_kind kind = rule->action.kind;

	return kind != ACTION_CONNECT && kind != ACTION_EXEC && kind != ACTION_PASS;
}

/* Whether RULE says no only because a client that has begun to send is not waited for any more. */
static bool
is_held_back(const struct rule *rule, const struct evidence *e, struct readings *r)
{
	struct awaited p = { .want = SIZE_MAX, .quiet_ms = INT64_MAX };
	struct evidence more = *e;

	if (!e->final || e->ended || e->undecided_next || e->bytes.length == 0 || !denies(rule))
		return false;
	more.final = more.timed_out = false;
	return rule_verdict(rule, &more, r, &p) == PROBE_MORE;
}

const struct attribute_kind rule_first_bytes = { .name = "protocol" };

enum verdict
rules_pick(const struct rules *rules, const struct evidence *e, struct readings *r, const struct rule **ret_rule,
    struct awaited *ret_awaited)
{
	struct awaited p = { .want = SIZE_MAX, .quiet_ms = INT64_MAX };
	struct evidence mine = *e;
	const struct rule *held_back = NULL;
	enum verdict all = PROBE_NO;

	*ret_rule = NULL;
	mine.waiting = false;
	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next) {
		enum verdict v = rule_verdict(rule, &mine, r, &p);

		/*
		 * this one decides, or leaves it undecided, unless an earlier one still does; but silence passes over those that
		 * wait
		 */
		if ((p.unread != NULL || v == PROBE_YES) && (all == PROBE_NO || rule_has(rule, CONDITION_SILENT))) {
			*ret_rule = rule;
			all = v == PROBE_YES ? PROBE_YES : PROBE_NO;
			break;
		}
		if (p.unread != NULL || v == PROBE_YES)
			break;
		if (held_back == NULL && v == PROBE_NO && is_held_back(rule, &mine, r))
			held_back = rule;
		if (v == PROBE_MORE)
			all = PROBE_MORE;
		mine.waiting = mine.waiting || v == PROBE_MORE || p.waited;
	}
	/* stalled is for such clients; any other rule would serve one that may be what an earlier rule denies */
	if (held_back != NULL && all == PROBE_YES && !denies(*ret_rule) && !rule_has(*ret_rule, CONDITION_STALLED)) {
		*ret_rule = held_back;
		p.unread = &rule_first_bytes;
		all = PROBE_NO;
	}
	*ret_awaited = p;
	return all;
}

void
rule_clear(struct rule *rule)
{
	for (struct condition *c = rule->conditions; c != NULL; c = c->next)
		if (c->kind == CONDITION_REGEX)
			regfree(c->regex);
}

void
rules_clear(struct rules *rules)
{
	for (struct rule *rule = rules->first; rule != NULL; rule = rule->next)
		rule_clear(rule);
	memset(rules, 0, offsetof(struct rules, storage) + rules->used);
}

const struct probe *
rule_protocol(const struct rule *rule)
{
	for (const struct condition *c = rule->conditions; c != NULL; c = c->next)
		if (c->kind == CONDITION_PROTOCOL && !c->negated)
			return c->probe;
	return NULL;
}

bool
rule_address_holds(const struct rule *rule, struct connection *c)
{
	for (const struct condition *at = rule->conditions; at != NULL; at = at->next)
		if (is_of_address(at) && (address_verdict(at, c) == PROBE_YES) == at->negated)
			return false;
	return c->local_error == 0;
}

static unsigned
endpoint_needs(const struct endpoint *e)
{
	if (e->address.length == 0)
		return RULES_RESOLVE | RULES_TCP;
	switch (e->address.sa.sa_family) {
	case AF_UNIX:
		return e->address.un.sun_path[0] == '\0' ? RULES_ABSTRACT : RULES_PATH;
	case AF_VSOCK:
		return RULES_VSOCK;
	default:
		return RULES_TCP;
	}
}

unsigned
rules_need(const struct rules *rules)
{
	unsigned needs = 0;

	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next) {
		const struct action *a = &rule->action;

		if (a->kind == ACTION_EXEC)
			needs |= RULES_EXECUTE;
		if (a->kind == ACTION_PASS)
			needs |= RULES_PASS;
		if (a->needs_admin)
			needs |= RULES_ADMIN;
		for (size_t i = 0; a->kind == ACTION_CONNECT && i < a->count; i++)
			needs |= endpoint_needs(&a->endpoints[i]);
	}
	return needs;
}
