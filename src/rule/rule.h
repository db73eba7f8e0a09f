/*
 * Rules: what they are and what they say of the bytes so far.  grammar.h makes them from text.
 *
 * A rule holds when all its conditions hold.  The first rule that is PROBE_YES while every earlier one is PROBE_NO decides.
 * A `silent' rule that is PROBE_YES also passes over earlier ones that are PROBE_MORE: what they wait for did not come in its time.
 *
 * At the end PROBE_MORE becomes PROBE_NO, with one exception: a rule that asks about an attribute of a protocol that the bytes do
 * have, and whose attribute could not be read, is undecided.  No rule after it decides then, or a client could get past a rule that
 * denies by holding back, or hiding, what that rule looks at.
 */
#ifndef USHER_RULE_H
#define USHER_RULE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/intake.h"
#include "probe/probe.h"
#include "rule/readings.h"
#include "rule/settings.h"

enum condition_kind {
	CONDITION_ANY,
	CONDITION_PROTOCOL,
	CONDITION_ATTRIBUTE,
	CONDITION_BYTES,
	CONDITION_REGEX,
	CONDITION_SILENT,
	CONDITION_STALLED,
	CONDITION_FROM,
	CONDITION_TO,
	CONDITION_PORT,
};

/* A silent condition without TIME: as long as the timeout. */
#define SILENT_TIMEOUT (-1)

/* A regular expression sees no more than this many bytes, so that a peer that dribbles cannot make it dear. */
#define REGEX_WINDOW 4096

/* Bytes at OFFSET: (input & mask) == bytes. */
struct pattern {
	uint8_t *bytes, *mask;
	size_t length, offset;
};

/* One condition.  What a kind does not use is zero. */
struct condition {
	struct condition *next;
	enum condition_kind kind;
	bool negated;
	const struct probe *probe;		/* PROTOCOL, ATTRIBUTE */
	const struct attribute_kind *attribute;	/* ATTRIBUTE */
	char **globs;				/* ATTRIBUTE: NULL-terminated, any one may match */
	struct pattern *patterns;		/* BYTES: any one may match */
	uint8_t *bytes;				/* REGEX: literal beginning */
	size_t length;				/* REGEX: of bytes; BYTES, FROM, TO, PORT: how many in the list */
	regex_t *regex;				/* REGEX */
	int silent_ms;				/* SILENT */
	struct cidr *networks;			/* FROM, TO */
	uint16_t *ports;			/* PORT */
};

enum action_kind { ACTION_EXEC, ACTION_CONNECT, ACTION_PASS, ACTION_REPLY, ACTION_REJECT, ACTION_CLOSE };

/* An option behind the addresses of connect: a setting for this rule alone. */
struct option {
	const struct setting *setting;
	const char *value;
};

struct action {
	enum action_kind kind;
	const char *text;			/* as written, for logs: connect 127.0.0.1:22 */
	char **argv;				/* EXEC: NULL-terminated */
	const char *user;			/* EXEC: whom the program is to be, as written, or NULL */
	struct user as;				/* EXEC: who that is */
	const char *folder;			/* EXEC: where it is to begin, or NULL */
	struct endpoint *endpoints;		/* CONNECT, PASS */
	size_t count;				/* CONNECT, PASS: of endpoints; REPLY: bytes of reply */
	struct option *options;			/* CONNECT */
	size_t option_count;
	bool needs_admin;			/* CONNECT: settings_need_admin() of its options */
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

/* Everything that rules are made of is in STORAGE: static, so that pages that no rule needs cost nothing. */
#define RULES_STORAGE (640 * 1024)

/* In order.  Zeroed at the start. */
struct rules {
	struct rule *first, *last;
	unsigned count;
	size_t used;
	_Alignas(max_align_t) char storage[RULES_STORAGE];
};

/*
 * What is known of a connection.  quiet_ms: for how long nothing has arrived.  final: no more bytes will come or be waited for.
 * ended: none will come.
 * timed_out: because the client had all the time there is.  undecided_next: a rule that is undecided counts as PROBE_NO.
 * timeout_ms: what SILENT_TIMEOUT means.  waiting: whether an earlier rule waits for bytes, or did until the end; rules_pick()
 * sees to it itself.
 */
struct evidence {
	struct connection *connection;
	struct span bytes;
	bool final, ended, timed_out, undecided_next, waiting;
	int64_t quiet_ms;
	int timeout_ms;
};

/*
 * What to wait for when no rule has been decided.  want: total bytes that can change a verdict (as in probe.h).  quiet_ms: the
 * silence that can, INT64_MAX: none.  unread: NULL, or the attribute that leaves a rule undecided, and then nothing can.  waited: a
 * PROBE_NO that is one only because this is the end.
 */
struct awaited {
	size_t want;
	int64_t quiet_ms;
	const struct attribute_kind *unread;
	bool waited;
};

/*
 * What RULE says of EVIDENCE.  With PROBE_MORE *p is lowered to what it waits for; set it to { SIZE_MAX, INT64_MAX } before.
 * PROBE_MORE with p->unread set: the rule is undecided and will stay so.  Nothing else is PROBE_MORE when the evidence is final.
 * p->unread and p->waited are of this rule alone.
 */
enum verdict rule_verdict(const struct rule *rule, const struct evidence *e, struct readings *r, struct awaited *p);

/*
 * Pick: the deciding rule in *ret_rule with PROBE_YES; PROBE_NO when no rule can hold any more; PROBE_MORE when it depends on what
 * comes, then *ret_awaited says on what.  PROBE_NO because a rule is undecided: that rule in *ret_rule, its attribute in
 * ret_awaited->unread ("protocol" where a rule that denies has not seen enough of it); else *ret_rule and unread are NULL.
 * When e->connection->local_error is set after that, a rule has asked in vain for our own address: what was picked does not count.
 */
enum verdict rules_pick(const struct rules *rules, const struct evidence *e, struct readings *r, const struct rule **ret_rule,
    struct awaited *ret_awaited);

/* The "protocol" of ret_awaited->unread. */
extern const struct attribute_kind rule_first_bytes;

/* Whether the conditions from=, to= and port= of RULE hold for C.  False where our own address cannot be asked for. */
bool rule_address_holds(const struct rule *rule, struct connection *c);

/* What acting by a rule takes. */
enum {
	RULES_EXECUTE = 1,	/* to execute a program */
	RULES_RESOLVE = 2,	/* to look up a name */
	RULES_TCP = 4,		/* to connect to an IP address */
	RULES_PATH = 8,		/* to connect to a Unix socket that is a file */
	RULES_ABSTRACT = 16,	/* to connect to a Unix socket that is none */
	RULES_PASS = 128,	/* to give the connection to another program */
	RULES_ADMIN = 64,	/* to connect from another address, or with a mark */
	RULES_VSOCK = 32,	/* to connect to a virtual machine or its host */
};

/* All that one of RULES takes, as a sum. */
unsigned rules_need(const struct rules *rules);

/* Forget all rules, so that others can be read. */
void rules_clear(struct rules *rules);

/* Free what is outside the rules' storage: compiled regular expressions. */
void rule_clear(struct rule *rule);

/* V and what came with it in *P in a word: YES, NO, MORE or UNDECIDED. */
const char *rule_says(enum verdict v, const struct awaited *p);

/* Whether RULE has a condition of KIND without negation. */
bool rule_has(const struct rule *rule, enum condition_kind kind);

/* The protocol that a rule names without negation, or NULL. */
const struct probe *rule_protocol(const struct rule *rule);

#endif
