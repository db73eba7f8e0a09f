/* One connection from its first byte to its last: sniff, pick, act, one log line. */
#ifndef USHER_SERVE_H
#define USHER_SERVE_H

#include "intake.h"
#include "options.h"
#include "rule.h"

/*
 * Serve C by RULES.  Returns an exit status of sysexits(3): EX_OK whatever the client did, EX_UNAVAILABLE when no backend could be
 * reached, EX_OSERR; 126 or 127 when a program could not be run.  Does not return when a program could.
 */
int serve(struct connection *c, const struct rules *rules, const struct settings *settings);

#endif
