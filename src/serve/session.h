/* What is known of a connection, and its log line. */
#ifndef USHER_SESSION_H
#define USHER_SESSION_H

#include <stdint.h>

#include "base/title.h"
#include "net/address.h"
#include "net/intake.h"
#include "base/logfmt.h"
#include "rule/settings.h"
#include "net/relay.h"
#include "rule/rule.h"
#include "net/sniff.h"

/* 32 hexadecimal digits. */
#define SESSION_ID 33

/*
 * Everything that goes into the log line.  Its order matters, see storage.h.  Pointers are borrowed.  Zeroed at the start.
 */
struct session {
	struct connection *connection;
	struct title *title;		/* NULL: another process shows it */
	const struct settings *settings;
	int64_t start;
	/* NULL, or what is to know of C once a rule is chosen, or none */
	void (*decided)(void *context, const struct connection *c);
	void *context;
	bool confined;			/* this process is in the sandbox of sandbox_server() */
	const char *unconfined;		/* what of it could not be had; NULL: nothing */
	const struct rule *rule;	/* NULL: none */
	const struct attribute_kind *unread;	/* of the rule that stayed undecided; NULL: none did */
	const struct probe *probe;	/* NULL: not known */
	struct address backend;		/* length 0: none yet */
	char id[SESSION_ID];		/* what a PROXY protocol header calls the connection; empty: none was sent */
	struct readings readings;
	struct sniff sniff;
	uint8_t scratch[SNIFF_MAX];
	struct logfmt line;
};

/* A title is for connections that last this long, for it costs as much as a chat. */
#define SESSION_SHOW_MS 1000

/* Have ps(1) and systemctl(1) show that this process waits for the client. */
void session_show_waiting(struct session *s);

/* The bytes that have arrived. */
struct span session_seen(const struct session *s);

/*
 * Begin the log line: client, protocol with attributes, rule, action and backend; before the room that the bytes are in is used for
 * something else.  Nothing happens, here and below, where the line is not wanted.
 */
void session_describe(struct session *s);

/* Finish the log line with END, how it ended, and write it. */
void session_log_end(struct session *s, int level, const char *end);

/* Both. */
void session_log(struct session *s, const char *end);

/* Finish and write the line of a relayed connection. */
void session_log_relayed(struct session *s, const struct relay_result *r);

#endif
