/* --check, --explain and --protocols: what usher thinks, for people, without a connection. */
#ifndef USHER_EXPLAIN_H
#define USHER_EXPLAIN_H

#include "rule/rule.h"
#include "rule/settings.h"

/*
 * Take a client's first bytes from INPUT (NULL: standard input, hex:DIGITS, or a file), feed them to every rule one at a
 * time, write at which byte it made up its mind and, last, one logfmt line.  Of a directory: that line for each of its files.
 * The end of the input is the timeout, not the client's end of file.  No bytes: silence.  The client's address is taken from
 * REMOTE_ADDR, ours from TCPLOCALIP and TCPLOCALPORT.  Returns an exit status.
 */
int explain(const struct rules *rules, const struct settings *settings, const char *input);

/* Warn on standard error of programs that cannot be run, then say how many rules there are.  Returns an exit status. */
int explain_check(const struct rules *rules);

/* Write the protocol table.  Returns an exit status. */
int explain_protocols(void);

#endif
