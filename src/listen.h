/*
 * The listening shape: accept, and fork one process a connection.
 *
 * The parent reads the rules once and again on SIGHUP, counts its children and keeps to the limits; each child serves one
 * connection and exits.  SIGTERM and SIGINT end the accepting; children go on.
 */
#ifndef USHER_LISTEN_H
#define USHER_LISTEN_H

#include "intake.h"
#include "options.h"
#include "rule.h"

/*
 * Accept from LISTENERS until told to stop.  RULES and SETTINGS came from ARGC and ARGV, which a reload reads again into SPARE;
 * that must be zeroed.  Takes over the listeners' descriptors.  Returns an exit status, in the parent only.
 */
int listen_serve(const struct listeners *listeners, struct rules *rules, struct rules *spare, const struct settings *settings,
    int argc, char **argv);

#endif
