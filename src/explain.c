#include "config.h"

#include "explain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/logfmt.h"
#include "net/sniff.h"
#include "rule/words.h"

/* A client's first bytes, and everything to look at them with. */
struct sample {
	const struct rules *rules;
	struct connection connection;
	struct readings readings;
	int timeout_ms;
	bool undecided_next;
	size_t length;
	uint8_t bytes[SNIFF_MAX];
	uint8_t scratch[SNIFF_MAX];
};

/* Read FD until its end or until SNIFF_MAX bytes.  Returns 0 or -errno. */
static int
read_bytes(struct sample *s, int fd)
{
	s->length = 0;
	while (s->length < SNIFF_MAX) {
		ssize_t n = read(fd, s->bytes + s->length, SNIFF_MAX - s->length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		s->length += (size_t)n;
	}
	return 0;
}

static int
read_file(struct sample *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = read_bytes(s, fd);
	close(fd);
	return r;
}

/* Take pairs of hexadecimal digits, with or without white space between them. */
static int
read_hex(struct sample *s, const char *text)
{
	for (s->length = 0; s->length < SNIFF_MAX; s->length++) {
		int high, low;

		text += strspn(text, " \t\r\n:");
		if (*text == '\0')
			return 0;
		high = words_hex(text[0]);
		low = high < 0 ? -1 : words_hex(text[1]);
		if (low < 0)
			return -EINVAL;
		s->bytes[s->length] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return *text == '\0' ? 0 : -EFBIG;
}

/* What is known when COUNT bytes have arrived, and with FINAL, no more will. */
static struct evidence
evidence(struct sample *s, size_t count, bool final)
{
	return (struct evidence){
		.connection = &s->connection,
		.bytes = span_of(s->bytes, count),
		.final = final,
		.timed_out = final,
		.undecided_next = s->undecided_next,
		.quiet_ms = final && count == 0 ? (s->timeout_ms > 0 ? s->timeout_ms : INT64_MAX) : 0,
		.timeout_ms = s->timeout_ms,
	};
}

static void
origin_text(const struct rule *rule, char *text, size_t size)
{
	if (rule->line > 0)
		snprintf(text, size, "%s:%u", rule->origin, rule->line);
	else
		snprintf(text, size, "%s", rule->origin);
}

/* What RULE says of COUNT bytes.  The rules before it are asked only where it looks at what they say. */
static enum verdict
ask(struct sample *s, const struct rule *rule, size_t count, bool final, struct awaited *p)
{
	struct evidence e = evidence(s, count, final);

	*p = (struct awaited){ .want = SIZE_MAX, .quiet_ms = INT64_MAX };
	if (rule_has(rule, CONDITION_STALLED))
		for (const struct rule *before = s->rules->first; before != rule; before = before->next)
			if (rule_verdict(before, &e, &s->readings, p) == PROBE_MORE || p->waited)
				e.waiting = true;
	return rule_verdict(rule, &e, &s->readings, p);
}

/* Feed the bytes to RULE one at a time and say when it made up its mind. */
static void
explain_rule(struct sample *s, const struct rule *rule)
{
	struct awaited p;
	enum verdict v = PROBE_MORE;
	char origin[256];
	size_t count;

	for (count = 0; count <= s->length; count++) {
		v = ask(s, rule, count, false, &p);
		if (v != PROBE_MORE || p.unread != NULL)
			break;
	}
	origin_text(rule, origin, sizeof origin);
	printf("rule %u (%s): ", rule->number, origin);
	if (count == 0)
		printf("%s before the first byte", rule_says(v, &p));
	else if (count <= s->length)
		printf("%s at byte %zu", rule_says(v, &p), count);
	else {
		v = ask(s, rule, s->length, true, &p);
		printf("MORE after %zu byte%s, %s if no more comes", s->length, s->length == 1 ? "" : "s", rule_says(v, &p));
	}
	printf(": %s\n", rule->action.text);
}

/*
 * Pick as a connection would that brings the bytes one at a time and then nothing.  *ret_count: how many the decision took.
 * *ret_unread: NULL, or the attribute that left the rule undecided.
 */
static const struct rule *
pick(struct sample *s, size_t *ret_count, const struct attribute_kind **ret_unread)
{
	const struct rule *rule = NULL;
	struct awaited awaited;
	struct evidence e;

	for (*ret_count = 0; *ret_count <= s->length; ++*ret_count) {
		e = evidence(s, *ret_count, false);
		if (rules_pick(s->rules, &e, &s->readings, &rule, &awaited) != PROBE_MORE)
			break;
	}
	if (*ret_count > s->length) {
		*ret_count = s->length;
		e = evidence(s, s->length, true);
		rules_pick(s->rules, &e, &s->readings, &rule, &awaited);
	}
	*ret_unread = awaited.unread;
	return rule;
}

/* The logfmt line, with FILE in front if there is one. */
static void
explain_sample(struct sample *s, const char *file)
{
	const struct probe *probe = NULL;
	struct logfmt l = { 0 };
	size_t decided;
	const struct attribute_kind *unread;
	const struct rule *rule = pick(s, &decided, &unread);

	if (rule != NULL)
		probe = rule_protocol(rule);
	probe = readings_identify(&s->readings, probe, span_of(s->bytes, s->length));
	if (file != NULL)
		logfmt_text(&l, "file", file);
	probe_describe(&l, probe, &s->readings.reading, s->length);
	logfmt_number(&l, "bytes", s->length);
	if (s->rules->count > 0)
		logfmt_number(&l, "decided", decided);
	if (rule != NULL && unread != NULL) {
		logfmt_number(&l, "undecided", rule->number);
		logfmt_text(&l, "attribute", unread->name);
	} else if (rule != NULL) {
		logfmt_number(&l, "rule", rule->number);
		logfmt_text(&l, "action", rule->action.text);
	} else if (s->rules->count > 0)
		logfmt_text(&l, "rule", "none");
	printf("%s\n", l.text);
}

/* A line a file of the directory PATH, by name. */
static int
explain_directory(struct sample *s, const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort), status = EX_OK;

	if (count < 0) {
		log_line(LOG_ERR, "--explain: \"%s\": %s", path, strerror(errno));
		return EX_NOINPUT;
	}
	for (int i = 0; i < count; i++) {
		char file[4096];
		struct stat st;
		int r;

		snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
		free(entries[i]);
		if (stat(file, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		r = read_file(s, file);
		if (r < 0) {
			log_line(LOG_ERR, "--explain: \"%s\": %s", file, strerror(-r));
			status = EX_NOINPUT;
			continue;
		}
		explain_sample(s, file);
	}
	free(entries);
	return status;
}

int
explain(const struct rules *rules, const struct settings *settings, const char *input)
{
	/* static: it is too large for a stack */
	static struct sample s;
	struct stat st;
	int r;

	s.rules = rules;
	s.timeout_ms = settings->timeout_ms;
	s.undecided_next = settings->undecided_next;
	s.readings.scratch = s.scratch;
	s.readings.scratch_size = sizeof s.scratch;
	intake_environment(&s.connection);

	if (input != NULL && strncmp(input, "hex:", 4) != 0 && stat(input, &st) == 0 && S_ISDIR(st.st_mode))
		return explain_directory(&s, input);
	if (input == NULL)
		r = read_bytes(&s, STDIN_FILENO);
	else if (strncmp(input, "hex:", 4) == 0)
		r = read_hex(&s, input + 4);
	else
		r = read_file(&s, input);
	if (r < 0) {
		log_line(LOG_ERR, "--explain: \"%s\": %s", input != NULL ? input : "standard input",
		    r == -EINVAL ? "expected pairs of hexadecimal digits behind hex:" : strerror(-r));
		return EX_NOINPUT;
	}
	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next)
		explain_rule(&s, rule);
	explain_sample(&s, NULL);
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
	/* 132 columns, as wide as a wide terminal */
	printf("%-12s YES NO  %-30s %-49s %s\n", "PROTOCOL", "ATTRIBUTES", "SIGNATURE", "ALIASES");
	for (const struct probe *p = probes; p->name != NULL; p++) {
		char attributes[128] = "";
		unsigned yes, no;

		for (const struct attribute_kind *a = p->attributes; a->name != NULL; a++)
			snprintf(attributes + strlen(attributes), sizeof attributes - strlen(attributes), "%s%s",
			    a == p->attributes ? "" : " ", a->name);
		probe_least(p, &yes, &no);
		printf("%-12s %3u %2u  %-30s ", p->name, yes, no, attributes);
		if (p->aliases != NULL)
			printf("%-49s %s\n", p->signature, p->aliases);
		else
			printf("%s\n", p->signature);
	}
	return EX_OK;
}
