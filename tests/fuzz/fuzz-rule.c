/*
 * Rules and a client's bytes, with an empty line between them.  What is no rule gets a complaint; what are rules decide,
 * and what they have decided on some bytes they decide on more.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rule/grammar.h"
#include "rule/settings.h"
#include "rule/rule.h"
#include "net/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Deciding on every beginning is dear; so many are enough to see one that is wrong. */
#define BEGINNINGS 100

static struct rules rules;

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

/*
 * The C library's regular expressions can take time and memory without bound; whoever writes rules can do that to himself, and it
 * is not what is looked for here.
 */
static bool
is_dear(const char *line)
{
	const char *regex = strstr(line, "regex");
	unsigned repetitions = 0;

	if (regex == NULL)
		return false;
	for (const char *c = regex; *c != '\0'; c++)
		repetitions += *c == '*' || *c == '+' || *c == '?' || *c == '(';
	return repetitions > 5 || strlen(regex) > 60 || strpbrk(regex, "{\\") != NULL;
}

/* Read the rules in TEXT.  Returns whether all is well with them. */
static bool
read_rules(char *text, struct settings *settings)
{
	struct complaint complaint;
	unsigned number = 1;

	for (char *line = text, *next; line != NULL; line = next, number++) {
		int r;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (is_dear(line))
			return false;
		complaint.text[0] = '\0';
		r = grammar_line(&rules, settings, "file", number, line, &complaint);
		if (r < 0) {
			expect(memchr(complaint.text, '\0', sizeof(complaint.text)) != NULL);
			expect(strncmp(complaint.text, "file:", 5) == 0);
			return false;
		}
	}
	return grammar_finish(&rules, settings, &complaint) == 0;
}

/* Decide on BYTES alone, with fresh readings.  Returns 0 for no rule, a rule's number, or -1 while undecided. */
static int
decide(struct connection *connection, const struct settings *settings, struct span bytes, bool final)
{
	static uint8_t scratch[SNIFF_MAX];
	struct evidence e = { .connection = connection, .bytes = bytes, .final = final, .timeout_ms = settings->timeout_ms };
	struct readings readings = { .scratch = scratch, .scratch_size = sizeof(scratch) };
	struct awaited awaited = { .want = SIZE_MAX, .quiet_ms = INT64_MAX };
	const struct rule *rule = NULL;
	enum verdict v = rules_pick(&rules, &e, &readings, &rule, &awaited);

	if (v == PROBE_MORE) {
		expect(!final);
		expect(awaited.want > bytes.length || awaited.quiet_ms < INT64_MAX);
		return -1;
	}
	expect(v == PROBE_NO || (rule != NULL && rule->number >= 1 && rule->number <= rules.count));
	return v == PROBE_NO ? 0 : (int)rule->number;
}

static void
decide_all(const struct settings *settings, struct span bytes)
{
	struct connection connection = { .fd = -1 };
	int decided = -1, end;

	if (address_from_text("192.0.2.1", "51234", &connection.peer) != 0 ||
	    address_from_text("192.0.2.2", "443", &connection.local) != 0)
		abort();
	/* what silence decides, the first byte changes */
	decide(&connection, settings, span_slice(bytes, 0, 0), false);
	for (size_t n = 1; n <= bytes.length && n < BEGINNINGS; n++) {
		int d = decide(&connection, settings, span_slice(bytes, 0, n), false);

		expect(decided == -1 || d == decided);
		decided = d;
	}
	end = decide(&connection, settings, bytes, false);
	expect(decided == -1 || end == decided);
	decided = end;
	end = decide(&connection, settings, bytes, true);
	expect(decided == -1 || end == decided);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1), *separator;
	struct settings settings;
	size_t rest = length;

	expect(text != NULL);
	if (length > 0)
		memcpy(text, bytes, length);
	text[length] = '\0';
	/* a NUL ends the rules as well */
	separator = strstr(text, "\n\n");
	if (separator != NULL) {
		*separator = '\0';
		rest = (size_t)(separator - text) + 2;
	} else if (strlen(text) < length) {
		rest = strlen(text) + 1;
	}
	settings_defaults(&settings);
	if (read_rules(text, &settings))
		decide_all(&settings, span_of(bytes + rest, length - rest));
	rules_clear(&rules);
	free(text);
	return 0;
}
