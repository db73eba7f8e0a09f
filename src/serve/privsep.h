/*
 * Privilege separation: who may execute a program never reads a byte of the client.
 *
 * A child, in the sandbox of a reader, looks at the bytes and picks the rule.  It answers with one message of fixed size, of which
 * nothing is believed that cannot be checked: the number of a rule that there is and whose conditions on addresses hold, a protocol
 * that there is, attributes that it has, lengths that fit.
 */
#ifndef USHER_PRIVSEP_H
#define USHER_PRIVSEP_H

#include <sys/types.h>

#include "serve/decide.h"

/* All values of attributes together, in bytes; what finds no room is left out. */
#define PRIVSEP_TEXT 16384

/* What the child writes.  Numbers from the tables that both have; what is not there is 0.  text: the values, one after another. */
struct privsep_message {
	uint32_t end;			/* enum decide_end */
	int32_t error;
	uint32_t rule;			/* its number */
	uint32_t unread;		/* 1: "protocol"; else 1 + which of the rule's conditions, from 1 */
	uint32_t probe;			/* which row of the table, from 1 */
	uint32_t have;			/* bytes that arrived */
	uint32_t forbidden;		/* the system call that it tried, and 1 */
	uint32_t count;
	struct {
		uint16_t name;		/* which of the protocol's attributes, from 0 */
		uint16_t length;
	} attributes[READING_ATTRIBUTES];
	char text[PRIVSEP_TEXT];
	uint32_t fault;			/* enum proxy_fault */
	uint32_t proxied;		/* 1: a PROXY protocol header was there */
	struct address peer, local;	/* of the connection then */
};

/* How a process decides: decide(), or what a test has in its place. */
typedef void privsep_reader(struct session *s, const struct rules *rules, struct decision *ret);

/*
 * As decide(), by a child that calls READER.  A child that does not answer, or not as it should, is DECIDE_SYSTEM.  Nothing of it
 * is left on return.
 */
void privsep_decide(struct session *s, const struct rules *rules, privsep_reader *reader, struct decision *ret);

/*
 * Take MESSAGE, LENGTH bytes, for what decide() would have set; the attributes point into it.  Returns NULL, or in words what is
 * wrong with it, and then nothing is set but *ret, to DECIDE_SYSTEM.
 */
const char *privsep_take(const struct privsep_message *message, size_t length, struct session *s, const struct rules *rules,
    struct decision *ret);

#endif
