#include "config.h"

#include "rule.h"

#include <string.h>

static int
lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool
glob_matches(const char *glob, struct span value, bool is_host)
{
	const char *star = NULL;
	size_t at = 0, resume = 0;

	if (is_host && value.length > 1 && value.bytes[value.length - 1] == '.')
		value.length--;
	/* the last star takes one more byte whenever what follows it does not fit: no recursion, no blow-up */
	while (at < value.length) {
		int c = value.bytes[at], g = (unsigned char)*glob;

		if (g == '*') {
			star = ++glob;
			if (is_host)
				at++;
			resume = at;
		} else if (g != '\0' && (g == '?' || g == c || (is_host && lower(g) == lower(c)))) {
			glob++;
			at++;
		} else if (star != NULL) {
			glob = star;
			at = ++resume;
		} else
			return false;
	}
	while (*glob == '*' && !is_host)
		glob++;
	return *glob == '\0';
}

enum verdict
readings_get(struct readings *r, const struct probe *probe, struct span bytes)
{
	if (r->probe == probe && r->length == bytes.length)
		return r->verdict;
	r->reading.scratch = r->scratch;
	r->reading.scratch_left = r->scratch_size;
	r->verdict = probe_read(probe, bytes, &r->reading);
	r->probe = probe;
	r->length = bytes.length;
	return r->verdict;
}

const struct probe *
readings_identify(struct readings *r, const struct probe *probe, struct span bytes)
{
	if (probe != NULL) {
		readings_get(r, probe, bytes);
		return probe;
	}
	r->reading.scratch = r->scratch;
	r->reading.scratch_left = r->scratch_size;
	r->probe = NULL;	/* what is kept is no rule's reading any more */
	return probe_identify(bytes, true, &probe, &r->reading) == PROBE_YES ? probe : NULL;
}

/* Note that a verdict can change when there are TOTAL bytes; 0, or what is there already: with the next one. */
static enum verdict
wait_for_bytes(struct patience *p, struct span have, size_t total)
{
	if (total <= have.length)
		total = have.length + 1;
	if (total < p->want)
		p->want = total;
	return PROBE_MORE;
}

static enum verdict
protocol_verdict(const struct condition *c, const struct evidence *e, struct readings *r, struct patience *p)
{
	enum verdict v = readings_get(r, c->probe, e->bytes);

	return v == PROBE_MORE ? wait_for_bytes(p, e->bytes, r->reading.want) : v;
}

static bool
matches_any(char *const *globs, struct span value, bool is_host)
{
	for (; *globs != NULL; globs++)
		if (glob_matches(*globs, value, is_host))
			return true;
	return false;
}

static enum verdict
attribute_verdict(const struct condition *c, const struct evidence *e, struct readings *r, struct patience *p)
{
	enum verdict v = protocol_verdict(c, e, r, p);

	if (v != PROBE_YES)
		return v;
	for (size_t i = 0; i < r->reading.count; i++) {
		const struct attribute *a = &r->reading.attribute[i];

		if (strcmp(a->name, c->attribute->name) == 0 && matches_any(c->globs, a->value, c->attribute->is_host))
			return PROBE_YES;
	}
	return r->reading.complete ? PROBE_NO : wait_for_bytes(p, e->bytes, r->reading.want);
}

static enum verdict
bytes_verdict(const struct condition *c, const struct evidence *e, struct patience *p)
{
	for (size_t i = 0; i < c->length; i++) {
		int byte = span_at(e->bytes, c->offset + i);

		if (byte < 0)
			return wait_for_bytes(p, e->bytes, c->offset + i + 1);
		if ((byte & c->mask[i]) != c->bytes[i])
			return PROBE_NO;
	}
	return PROBE_YES;
}

static enum verdict
regex_verdict(const struct condition *c, const struct evidence *e, struct patience *p)
{
	char text[REGEX_WINDOW + 1];
	struct span seen = span_slice(e->bytes, 0, REGEX_WINDOW);
	bool whole = e->final || seen.length == REGEX_WINDOW || span_find(seen, 0, '\0') < seen.length;

	memcpy(text, seen.bytes, seen.length);
	text[seen.length] = '\0';
	/* `$' must not match where more bytes will come, or what it says would change with them */
	if (regexec(c->regex, text, 0, NULL, whole ? 0 : REG_NOTEOL) == 0)
		return PROBE_YES;
	return whole ? PROBE_NO : wait_for_bytes(p, e->bytes, 0);
}

static enum verdict
silent_verdict(const struct condition *c, const struct evidence *e, struct patience *p)
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

static enum verdict
plain_verdict(const struct condition *c, const struct evidence *e, struct readings *r, struct patience *p)
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
	case CONDITION_FROM:
		return network_verdict(c, &e->connection->peer);
	case CONDITION_TO:
		return network_verdict(c, intake_local(e->connection));
	case CONDITION_PORT:
		return port_verdict(c, intake_local(e->connection));
	}
	return PROBE_NO;
}

static enum verdict
condition_verdict(const struct condition *c, const struct evidence *e, struct readings *r, struct patience *p)
{
	enum verdict v = plain_verdict(c, e, r, p);

	if (v == PROBE_MORE && e->final)
		v = PROBE_NO;
	if (v == PROBE_MORE || !c->negated)
		return v;
	return v == PROBE_YES ? PROBE_NO : PROBE_YES;
}

enum verdict
rule_verdict(const struct rule *rule, const struct evidence *e, struct readings *r, struct patience *p)
{
	struct patience mine = *p;
	enum verdict all = PROBE_YES;

	for (const struct condition *c = rule->conditions; c != NULL; c = c->next) {
		enum verdict v = condition_verdict(c, e, r, &mine);

		if (v == PROBE_NO)
			return PROBE_NO;
		if (v == PROBE_MORE)
			all = PROBE_MORE;
	}
	if (all == PROBE_MORE)
		*p = mine;
	return all;
}

static bool
is_about_silence(const struct rule *rule)
{
	for (const struct condition *c = rule->conditions; c != NULL; c = c->next)
		if (c->kind == CONDITION_SILENT && !c->negated)
			return true;
	return false;
}

enum verdict
rules_pick(const struct rules *rules, const struct evidence *e, struct readings *r, const struct rule **ret_rule,
    struct patience *ret_patience)
{
	struct patience p = { SIZE_MAX, INT64_MAX };
	enum verdict all = PROBE_NO;

	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next) {
		enum verdict v = rule_verdict(rule, e, r, &p);

		if (v == PROBE_MORE)
			all = PROBE_MORE;
		if (v != PROBE_YES)
			continue;
		/* this one decides unless an earlier one still does; but silence that lasted passes over those that wait for bytes */
		if (all == PROBE_MORE && !is_about_silence(rule))
			break;
		*ret_rule = rule;
		return PROBE_YES;
	}
	if (all == PROBE_MORE)
		*ret_patience = p;
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
