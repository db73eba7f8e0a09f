/* --check, --explain and --protocols: what usher thinks, for people, without a connection. */
#ifndef USHER_EXPLAIN_H
#define USHER_EXPLAIN_H

#include "options.h"
#include "rule.h"

/*
 * Read a client's first bytes from standard input until its end and write what every rule says of them and, last, one logfmt line.
 * The end of the input is the end of what can be known (as a timeout), not the client's end of file.  No bytes: silence.
 * Returns an exit status.
 */
int explain(const struct rules *rules, const struct settings *settings);

/* Warn on standard error of programs that cannot be run, then say how many rules there are.  Returns an exit status. */
int explain_check(const struct rules *rules);

/* Write the protocol table.  Returns an exit status. */
int explain_protocols(void);

#endif
