/*
 * The parent that listens: its state, the child that waits for the next connection, children that have ended.  listen.c has its
 * loop, accept.c accepts.
 */
#ifndef USHER_PARENT_H
#define USHER_PARENT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ratelimit.h"
#include "listen/child.h"
#include "listen/children.h"
#include "net/intake.h"
#include "rule/complaint.h"
#include "rule/settings.h"
#include "rule/rule.h"

/* Read the rules again: into RULES, which is empty, and *ret.  Returns 0, or a negative number with *ret_complaint set. */
typedef int parent_reread(int argc, char **argv, struct settings *ret, struct rules *rules, struct complaint *ret_complaint);

/* The parent.  Pointers are borrowed.  Children have no use for it; what they need is in struct inherited. */
struct parent {
	struct inherited *inherited;
	struct connection *next;	/* the one to serve, where its child looks for it */
	struct rules *spare;		/* to read into at SIGHUP */
	parent_reread *reread;
	int argc;
	char **argv;
	struct children children;
	pid_t waiting;			/* the child that waits for the next connection; 0: none */
	bool waiting_stopped;		/* by SIGSTOP: the parent accepts meanwhile */
	bool stopping, broken;
	int64_t drain_until, pause_until, idle_since, reap_due;
	int64_t status_due, watchdog_due;
	int watchdog_ms;
	bool status_stale;		/* the numbers below have changed since they were reported */
	uint64_t served, refused;
	struct rate_limit full, greedy, starved;
};

/* Forget the children that have ended. */
void parent_reap(struct parent *p);

/*
 * The same when SIGCHLD reports REPORTED, and perhaps others, for signals do not queue.  Waiting for any child has the kernel look
 * at all of them, the oldest first, which takes longer than a connection when there are thousands; and the latest are the likeliest
 * to have ended.  So this looks at the latest, and sets p->reap_due, when parent_reap() is to look at all of them.
 */
void parent_reap_latest(struct parent *p, pid_t reported);

/* Descriptors, memory or processes have run out, as ERROR of WHAT says: accept nothing for a moment, and log it. */
void parent_starve(struct parent *p, const char *what, int error);

/* Whether there are as many connections as there may be. */
bool parent_is_full(const struct parent *p);

/* Log that there are, and WHAT is done about more. */
void parent_log_full(struct parent *p, const char *what);

/* Child PID serves a connection from SOURCE. */
void parent_note_child(struct parent *p, pid_t pid, const struct source *source);

/* Act on ERROR of accept(2).  Returns false when the listener is broken. */
bool parent_accept_failed(struct parent *p, int error);

/*
 * Whether a child may take the next connection by itself, when no client waits now.  It may not where the parent has to look at
 * each client first.
 */
bool parent_may_begin_waiting(const struct parent *p);

/* Begin the child that does; p->waiting is its process id then. */
void parent_begin_waiting(struct parent *p);

/*
 * Read what children have reported.  If p->waiting has accepted a connection it is a child like the others.  A child that serves a
 * client whom a proxy has named is counted for that source, and ended where the source has too many.
 */
void parent_note_reports(struct parent *p);

/* Log that there are as many connections of PEER's source as there may be. */
void parent_log_greedy(struct parent *p, const struct address *peer);

/* Have p->waiting leave, unless it has just accepted a connection; wait until either has happened. */
void parent_end_waiting(struct parent *p);

#endif
