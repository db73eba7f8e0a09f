/*
 * The listening shape: accept, and fork one process per connection.
 *
 * The parent reads the rules once and again on SIGHUP, counts its children and keeps to the limits; each child serves one
 * connection and exits.  SIGTERM and SIGINT end the accepting; children go on.
 */
#ifndef USHER_LISTEN_H
#define USHER_LISTEN_H

#include "listen/parent.h"
#include "net/intake.h"
#include "rule/settings.h"
#include "rule/rule.h"
#include "serve/storage.h"

/*
 * Accept from LISTENERS until a signal ends it; a child serves from its copy of STORAGE.  RULES and SETTINGS came from ARGC and
 * ARGV, which SIGHUP has REREAD read again into SPARE; that must be zeroed.  Takes over the listeners' descriptors.  SIGHUP may be
 * blocked, so that one that came before is heeded; it is not blocked in children.  Returns an exit status, in the parent only.
 */
int listen_serve(const struct listeners *listeners, struct storage *storage, struct rules *rules, struct rules *spare,
    const struct settings *settings, parent_reread *reread, int argc, char **argv);

#endif
