/* One connection from its first byte to its last: sniff, pick, act, one log line. */
#ifndef USHER_SERVE_H
#define USHER_SERVE_H

#include "rule/rule.h"
#include "rule/settings.h"
#include "serve/storage.h"

/*
 * Lock this process in (sandbox.h) as far as serving one connection by RULES lets it.  serve() does so itself; a process that waits
 * for its client can do it before there is one.  ACCEPTS: it still has to accept(2).
 */
void serve_confine(struct storage *storage, const struct rules *rules, const struct settings *settings, bool accepts);

/*
 * Serve storage->connection by RULES.  Returns an exit status of sysexits(3): EX_OK whatever the client did, EX_UNAVAILABLE when no
 * backend could be reached, EX_OSERR; 126 or 127 when a program could not be run.  Does not return when a program could.
 */
int serve(struct storage *storage, const struct rules *rules, const struct settings *settings);

#endif
