#include "config.h"

#include "explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "logfmt.h"
#include "sniff.h"

static const char *
verdict_name(enum verdict v)
{
	return v == PROBE_YES ? "YES" : v == PROBE_MORE ? "MORE" : "NO";
}

/* Read standard input until its end or until SNIFF_MAX bytes.  Returns how many there were or -errno. */
static ssize_t
read_input(uint8_t bytes[SNIFF_MAX])
{
	size_t length = 0;

	while (length < SNIFF_MAX) {
		ssize_t n = read(STDIN_FILENO, bytes + length, SNIFF_MAX - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

static void
origin_text(const struct rule *rule, char text[], size_t size)
{
	if (rule->line > 0)
		snprintf(text, size, "%s:%u", rule->origin, rule->line);
	else
		snprintf(text, size, "%s", rule->origin);
}

/* A line a rule: what it says of the bytes as they are, and what it would say if no more came. */
static void
explain_rules(const struct rules *rules, const struct evidence *now, const struct evidence *final, struct readings *r)
{
	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next) {
		struct patience p = { SIZE_MAX, INT64_MAX };
		enum verdict v = rule_verdict(rule, now, r, &p);
		char origin[256];

		origin_text(rule, origin, sizeof origin);
		printf("rule %u (%s): %s", rule->number, origin, verdict_name(v));
		if (v == PROBE_MORE)
			printf(", then %s if no more comes", verdict_name(rule_verdict(rule, final, r, &p)));
		printf(": %s\n", rule->action.text);
	}
}

int
explain(const struct rules *rules, const struct settings *settings)
{
	static uint8_t bytes[SNIFF_MAX], scratch[SNIFF_MAX];
	struct readings r = { .scratch = scratch, .scratch_size = sizeof scratch };
	struct connection c;
	struct evidence now = { .connection = &c, .timeout_ms = settings->timeout_ms }, final;
	const struct probe *probe = NULL;
	const struct rule *rule = NULL;
	struct patience patience;
	struct logfmt l = { 0 };
	ssize_t length = read_input(bytes);

	if (length < 0) {
		log_line(LOG_ERR, "cannot read standard input: %s", strerror((int)-length));
		return EX_IOERR;
	}
	intake_environment(&c);
	now.bytes = span_of(bytes, (size_t)length);
	final = now;
	final.final = true;
	final.quiet_ms = length == 0 ? settings->timeout_ms : 0;
	explain_rules(rules, &now, &final, &r);

	if (rules_pick(rules, &final, &r, &rule, &patience) == PROBE_YES)
		probe = rule_protocol(rule);
	if (probe != NULL) {
		readings_get(&r, probe, now.bytes);
	} else {
		r.reading.scratch = scratch;
		r.reading.scratch_left = sizeof scratch;
		if (probe_identify(now.bytes, true, &probe, &r.reading) != PROBE_YES)
			probe = NULL;
	}
	logfmt_text(&l, "protocol", probe != NULL ? probe->name : length == 0 ? "silent" : "unknown");
	for (size_t i = 0; probe != NULL && i < r.reading.count; i++)
		logfmt_bytes(&l, r.reading.attribute[i].name, r.reading.attribute[i].value);
	logfmt_number(&l, "bytes", (uint64_t)length);
	if (rule != NULL) {
		logfmt_number(&l, "rule", rule->number);
		logfmt_text(&l, "action", rule->action.text);
	} else if (rules->count > 0)
		logfmt_text(&l, "rule", "none");
	printf("%s\n", l.text);
	return EX_OK;
}

int
explain_check(const struct rules *rules)
{
	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next) {
		char origin[256];

		if (rule->action.kind != ACTION_EXEC || access(rule->action.argv[0], X_OK) == 0)
			continue;
		origin_text(rule, origin, sizeof origin);
		fprintf(stderr, "%s: warning: \"%s\": %s\n", origin, rule->action.argv[0], strerror(errno));
	}
	printf("%u rule%s\n", rules->count, rules->count == 1 ? "" : "s");
	return EX_OK;
}

int
explain_protocols(void)
{
	for (const struct probe *p = probes; p->name != NULL; p++) {
		printf("%-12s %s", p->name, p->signature != NULL ? p->signature : p->prefix);
		for (const struct attribute_kind *a = p->attributes; a->name != NULL; a++)
			printf("%s%s", a == p->attributes ? "; attributes: " : ", ", a->name);
		putchar('\n');
	}
	return EX_OK;
}
