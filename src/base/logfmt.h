/*
 * key=value lines, as log line and as --explain's last line.  A value is quoted when it is empty or has a space, a quote, an equals
 * sign or a byte that is not printable ASCII; within quotes \" \\ \n \r \t and \xNN mean what they mean in C.  So
 * whatever a peer sent, one line is one record and nothing in it reaches a terminal raw.
 */
#ifndef USHER_LOGFMT_H
#define USHER_LOGFMT_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* A value longer than this many bytes of input is cut and marked with "..." . */
#define LOGFMT_VALUE 200
#define LOGFMT_LINE 1000
/* Enough for rule, action, backend, id, bytes, duration, end, and error or failed. */
#define LOGFMT_RESERVE 640

/* Begin with { 0 }.  text is always NUL-terminated.  A pair that does not fit is left out whole. */
struct logfmt {
	size_t length;
	char text[LOGFMT_LINE + 1];
};

void logfmt_bytes(struct logfmt *l, const char *key, struct span value);
void logfmt_text(struct logfmt *l, const char *key, const char *value);
void logfmt_number(struct logfmt *l, const char *key, uint64_t value);

/*
 * A value that a peer sent.  LOGFMT_RESERVE bytes are left for what follows: a value that needs more is cut, or left out where not
 * even a part of it has room.
 */
void logfmt_peer(struct logfmt *l, const char *key, struct span value);

#endif
