/* What listen.c (the loop, signals, readiness), accept.c (who is let in) and reap.c (who has ended) share. */
#ifndef USHER_PARENT_H
#define USHER_PARENT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "child.h"
#include "children.h"
#include "intake.h"
#include "options.h"
#include "rule.h"

/* Something that happens again and again is told at its beginning, and then once a minute with the number of times. */
struct spell {
	int64_t quiet_until;
	uint64_t untold;
};

/*
 * The parent.  What is a pointer is owned by somebody else.  It stands on the stack, which children do not get: what changes with
 * every connection would have to be copied for every child otherwise.
 */
struct parent {
	struct legacy *legacy;
	struct connection *next;	/* the one to serve, where its child looks for it */
	struct rules *spare;
	int argc;
	char **argv;
	struct children children;
	pid_t ready;			/* the child that waits for a connection; 0: none */
	bool stopping, broken;
	int64_t drain_until, pause_until, idle_since, reap_due;
	int64_t status_due, watchdog_due;
	int watchdog_ms;
	bool status_stale;		/* the numbers below have changed since they were told */
	uint64_t served, refused;
	struct spell full, greedy, starved;
};

/* Forget the children that have ended. */
void parent_reap(struct parent *p);

/*
 * The same when SIGCHLD tells of TOLD, and maybe of others, for signals do not queue.  Waiting for any child has the kernel look at
 * all of them, the oldest first, which takes longer than a connection when there are thousands; and who has just come is the
 * likeliest to go.  So this looks at the latest, and sets p->reap_due, when parent_reap() is to look at all of them.
 */
void parent_reap_latest(struct parent *p, pid_t told);

/* Whether connections are to be taken at NOW (clock.h). */
bool accept_is_open(const struct parent *p, int64_t now);

/*
 * Accept a connection that waits at L and have it served in a process of its own, or refuse it.
 * Returns false when the listener is broken.
 */
bool accept_one(struct parent *p, const struct listener *l);

/*
 * Whether a child may take the next connection by itself, when nobody waits now.  It may not where the parent has to look at each
 * client first.
 */
bool accept_may_get_ready(const struct parent *p);

/* Begin the child that does.  p->ready tells of it. */
void accept_get_ready(struct parent *p);

/* Take note of what p->ready has told, if it has. */
void accept_heed(struct parent *p);

/* p->ready has ended with STATUS (wait(2)) and has taken no connection.  Returns false when a listener is broken. */
bool accept_ended(struct parent *p, int status);

/* Have p->ready end, unless it has just taken a connection; and wait until either has happened. */
void accept_recall(struct parent *p);

#endif
