/* Which rule gets a connection: look at the first bytes until that is known. */
#ifndef USHER_DECIDE_H
#define USHER_DECIDE_H

#include "net/proxy_header.h"
#include "rule/rule.h"
#include "serve/session.h"

/* What has come of it.  All but the first: no rule is chosen. */
enum decide_end {
	DECIDE_RULE,
	DECIDE_NO_RULE,
	DECIDE_UNDECIDED,
	DECIDE_CLIENT,
	DECIDE_CLIENT_RESET,
	DECIDE_TERMINATED,
	DECIDE_PROXY_HEADER,
	DECIDE_SYSTEM,
};

/*
 * error: 0, or the errno behind DECIDE_CLIENT_RESET and DECIDE_SYSTEM.  fault: behind DECIDE_PROXY_HEADER.  failure: for
 * DECIDE_SYSTEM, a sentence in place of that errno's, or empty.
 */
struct decision {
	enum decide_end end;
	int error;
	enum proxy_fault fault;
	char failure[96];
};

/*
 * Take the PROXY protocol header off S->connection, where one must be there; then peer, local and via of it are set.  Look at the
 * first bytes behind it until one of RULES is chosen or none can be.  Sets S->rule (also of a rule that stayed undecided),
 * S->unread, S->probe and S->readings.reading.  Of the socket nothing else is taken, and its options are as they were, but for
 * SO_OOBINLINE where S->rule connects.
 */
void decide(struct session *s, const struct rules *rules, struct decision *ret);

/* What a log line calls it, as in usher(8): "no-rule", "client-reset", "proxy-header" and so on. */
const char *decide_end_name(enum decide_end end);

#endif
