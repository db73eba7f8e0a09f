/*
 * Rules: what they are and what they say of the bytes so far.  grammar.h makes them from text.
 *
 * A rule holds when all its conditions hold.  The first rule that is PROBE_YES while every earlier one is PROBE_NO decides.
 * A `silent' rule that is PROBE_YES also passes over earlier ones that are PROBE_MORE: what they wait for did not come in its time.
 */
#ifndef USHER_RULE_H
#define USHER_RULE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "intake.h"
#include "probe.h"

enum condition_kind {
	CONDITION_ANY,
	CONDITION_PROTOCOL,
	CONDITION_ATTRIBUTE,
	CONDITION_BYTES,
	CONDITION_REGEX,
	CONDITION_SILENT,
	CONDITION_FROM,
	CONDITION_TO,
	CONDITION_PORT,
};

/* A silent condition without TIME: as long as the timeout. */
#define SILENT_TIMEOUT (-1)

/* A regular expression sees no more than this many bytes, so that a peer that dribbles cannot make it dear. */
#define REGEX_WINDOW 4096

/* One condition.  What a kind does not use is zero. */
struct condition {
	struct condition *next;
	enum condition_kind kind;
	bool negated;
	const struct probe *probe;		/* PROTOCOL, ATTRIBUTE */
	const struct attribute_kind *attribute;	/* ATTRIBUTE */
	char **globs;				/* ATTRIBUTE: NULL-terminated, any one may match */
	uint8_t *bytes, *mask;			/* BYTES: (input & mask) == bytes */
	size_t length, offset;			/* BYTES; length: count of FROM, TO and PORT as well */
	regex_t *regex;				/* REGEX */
	int silent_ms;				/* SILENT */
	struct cidr *networks;			/* FROM, TO */
	uint16_t *ports;			/* PORT */
};

enum action_kind { ACTION_EXEC, ACTION_CONNECT, ACTION_REPLY, ACTION_REJECT, ACTION_CLOSE };

struct action {
	enum action_kind kind;
	const char *text;			/* as written, for logs: connect 127.0.0.1:22 */
	char **argv;				/* EXEC: NULL-terminated */
	struct endpoint *endpoints;		/* CONNECT */
	size_t count;				/* CONNECT: of endpoints; REPLY: bytes of reply */
	const char *reply;			/* REPLY */
};

/* number: from 1, over file and command line.  origin, line: file and line; line 0: the command line. */
struct rule {
	struct rule *next;
	unsigned number;
	const char *origin;
	unsigned line;
	struct condition *conditions;
	struct action action;
};

/* Everything that rules are made of stands in STORAGE: static, so that pages that no rule needs cost nothing. */
#define RULES_STORAGE (640 * 1024)

/* In order.  Zeroed at the start. */
struct rules {
	struct rule *first, *last;
	unsigned count;
	size_t used;
	_Alignas(max_align_t) char storage[RULES_STORAGE];
};

/*
 * What is known of a connection.  quiet_ms: for how long nothing has arrived.  final: no more bytes will come or be waited for, so
 * that PROBE_MORE becomes PROBE_NO.  timeout_ms: what SILENT_TIMEOUT stands for.
 */
struct evidence {
	struct connection *connection;
	struct span bytes;
	bool final;
	int64_t quiet_ms;
	int timeout_ms;
};

/* Readings by the probes, so that ten rules about tls parse it once.  Begin with { 0 } and scratch set; forget nothing between. */
struct readings {
	const struct probe *probe;
	size_t length;
	enum verdict verdict;
	struct reading reading;
	uint8_t *scratch;
	size_t scratch_size;
};

/*
 * What to wait for when no rule has been decided.  want: total bytes that can change a verdict (as in probe.h).  quiet_ms: the
 * silence that can, INT64_MAX: none.
 */
struct patience {
	size_t want;
	int64_t quiet_ms;
};

/*
 * What RULE says of EVIDENCE.  With PROBE_MORE *p is lowered to what it waits for; set it to { SIZE_MAX, INT64_MAX } before.
 */
enum verdict rule_verdict(const struct rule *rule, const struct evidence *e, struct readings *r, struct patience *p);

/*
 * Pick: the deciding rule in *ret_rule with PROBE_YES; PROBE_NO when no rule can hold any more; PROBE_MORE when it depends on what
 * comes, then *ret_patience says on what.
 */
enum verdict rules_pick(const struct rules *rules, const struct evidence *e, struct readings *r, const struct rule **ret_rule,
    struct patience *ret_patience);

/* Forget all rules, so that others can be read. */
void rules_clear(struct rules *rules);

/* Give back what stands outside the rules' storage: compiled regular expressions. */
void rule_clear(struct rule *rule);

/* The protocol that a rule names without negation, or NULL. */
const struct probe *rule_protocol(const struct rule *rule);

/* Read PROBE's attributes of BYTES into r->reading, unless they stand there.  Returns the probe's verdict. */
enum verdict readings_get(struct readings *r, const struct probe *probe, struct span bytes);

/*
 * Name the protocol of all BYTES that will come, for log and environment: PROBE if that is not NULL (a rule has named it), else as
 * the table says.  Its attributes are then in r->reading.  NULL: not known.
 */
const struct probe *readings_identify(struct readings *r, const struct probe *probe, struct span bytes);

/*
 * Whether GLOB matches VALUE: `*' any bytes, `?' one byte.  With IS_HOST letters compare without case, one trailing dot of VALUE is
 * not looked at, and `*' matches at least one byte; so *.example.org matches a.b.example.org and not example.org.
 */
bool glob_matches(const char *glob, struct span value, bool is_host);

#endif
