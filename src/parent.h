/* What listen.c (the loop, signals, readiness) and accept.c (who is let in) share. */
#ifndef USHER_PARENT_H
#define USHER_PARENT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "children.h"
#include "intake.h"
#include "notify.h"
#include "options.h"
#include "rule.h"

/* Something that happens again and again is told at its beginning, and then once a minute with the number of times. */
struct spell {
	int64_t quiet_until;
	uint64_t untold;
};

/* The parent.  What is a pointer is owned by somebody else. */
struct parent {
	struct listeners listeners;
	struct rules *rules, *spare;
	struct settings settings;
	int argc;
	char **argv;
	struct children children;
	struct notify notify;
	int signals;			/* signalfd(2) */
	sigset_t mask;			/* to put back in a child */
	bool stopping;
	int64_t drain_until, pause_until, idle_since;
	int64_t status_due, watchdog_due;
	int watchdog_ms;
	bool status_stale;		/* the numbers below have changed since they were told */
	uint64_t served, refused;
	struct spell full, greedy, starved;
};

/* Forget the children that have ended. */
void parent_reap(struct parent *p);

/* Whether connections are to be taken at NOW (clock.h). */
bool accept_is_open(const struct parent *p, int64_t now);

/*
 * Accept what waits at L, a batch at the most, and have each connection served in a process of its own, or refuse it.
 * Returns false when the listener is broken.
 */
bool accept_batch(struct parent *p, const struct listener *l);

#endif
