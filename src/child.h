/*
 * The children of a parent that listens: each serves one connection and ends.
 *
 * One of them is ahead of time: it waits for a connection itself, so that no client has to wait for a fork(2).
 */
#ifndef USHER_CHILD_H
#define USHER_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "intake.h"
#include "notify.h"
#include "options.h"
#include "rule.h"

/*
 * What a child has of its parent, as it was when it began.
 * signals, notify: to close; mask: to put back.
 * taken: a pipe, on which a child that waited tells the source of the connection that it has taken (struct source, children.h).
 * recall: a pipe, or { -1, -1 }: whoever waits ends when its writing end is closed, by the parent or with it.
 */
struct legacy {
	struct listeners listeners;
	int signals, taken[2], recall[2];
	struct notify notify;
	sigset_t mask;
	struct rules *rules;
	struct settings settings;
};

/*
 * Begin a child.  It serves the connection that stands at serve_connection(), or, where that has the descriptor -1, the next that comes.
 * Its exit status is that of serve(); of one that waited and has taken none: errno of accept(2), 0 when it was told to leave.
 * Returns its process id, or -errno.
 */
pid_t child_begin(const struct legacy *l);

/* accept(2) from L into *ret.  Returns 0 or -errno. */
int child_accept(const struct listener *l, struct connection *ret);

/*
 * For a parent that is about to have children, and again when it has other RULES: where a child will use malloc(3), use it first.
 * musl's looks for randomness on the stack the first time, which children may not have.  Otherwise not, for a heap is something
 * that each child would be given.
 */
void child_prepare_malloc(const struct rules *rules);

/*
 * For the same parent: keep the stack to ourselves.  Children have one of their own, and what they need of what is on ours, the
 * environment and the names of LISTENERS in it, is moved.  Where it is too large, and with glibc, children are given our stack,
 * too, which takes them longer.
 */
void child_leave_stack(struct listeners *listeners);

#endif
