/* What is known of a connection, and the log line that tells it. */
#ifndef USHER_STORY_H
#define USHER_STORY_H

#include <stdint.h>

#include "address.h"
#include "intake.h"
#include "logfmt.h"
#include "options.h"
#include "relay.h"
#include "rule.h"
#include "sniff.h"

/*
 * Everything that the log line tells.  In the order of use: what a short connection touches comes first and the large arrays last, so
 * that it stays within a page.  Zeroed at the start.
 */
struct story {
	struct connection *connection;
	const struct settings *settings;
	int64_t start;
	const struct rule *rule;	/* NULL: none */
	const struct probe *probe;	/* NULL: not known */
	struct address backend;		/* length 0: none yet */
	struct readings readings;
	struct sniff sniff;
	uint8_t scratch[SNIFF_MAX];
	struct logfmt line;
};

/* The bytes that have arrived. */
struct span story_seen(const struct story *s);

/*
 * Begin the log line: client, protocol with attributes, rule, action and backend; before the room that the bytes are in is used for something
 * else.  Nothing happens, here and below, where nobody wants the line.
 */
void story_describe(struct story *s);

/* Finish the log line with END, how it ended, and write it. */
void story_conclude(struct story *s, int level, const char *end);

/* Both. */
void story_tell(struct story *s, const char *end);

/* Finish and write the line of a relayed connection. */
void story_tell_relayed(struct story *s, const struct relay_result *r);

#endif
