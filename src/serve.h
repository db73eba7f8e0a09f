/* One connection from its first byte to its last: sniff, pick, act, one log line. */
#ifndef USHER_SERVE_H
#define USHER_SERVE_H

#include "intake.h"
#include "options.h"
#include "rule.h"
#include "title.h"

/*
 * Serve C by RULES.  Returns an exit status of sysexits(3): EX_OK whatever the client did, EX_UNAVAILABLE when no backend could be
 * reached, EX_OSERR; 126 or 127 when a program could not be run.  Does not return when a program could.
 */
int serve(struct connection *c, const struct rules *rules, const struct settings *settings);

/*
 * For a parent whose children do nothing but serve: the upper end of a stack of 192 KiB, and, in the same page, where to put the
 * connection, and the title that serve() will set.  A child that begins there and not on a copy of its parent's stack has a page
 * less to write to and no far end of the address space.
 */
void *serve_stack(void);
struct connection *serve_connection(void);
struct title *serve_title(void);

#endif
