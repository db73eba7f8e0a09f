/*
 * The children of a parent that listens: each serves one connection and ends.
 *
 * One of them is ahead of time: it waits for a connection itself, so that no client has to wait for a fork(2).
 */
#ifndef USHER_CHILD_H
#define USHER_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "net/intake.h"
#include "listen/notify.h"
#include "rule/settings.h"
#include "rule/rule.h"
#include "serve/storage.h"

/*
 * What a child has of its parent, as it was when it began.
 * signals, notify: to close; mask: to put back.
 * accepted: a pair of sockets.  To the second a child writes a source (struct source, children.h): one that waited, that of the
 * connection which it has accepted; any other, that of the client whom a proxy has named.  The kernel tells the parent which child
 * it was.
 * leave: a pipe, or { -1, -1 }: a child that waits ends when its writing end is closed, by the parent or with it.
 */
struct inherited {
	struct storage *storage;
	struct listeners listeners;
	int signals, accepted[2], leave[2];
	struct notify notify;
	sigset_t mask;
	struct rules *rules;
	struct settings settings;
};

/*
 * Begin a child.  It serves the connection in storage->connection, or, where that has the descriptor -1, the next that comes.
 * Its exit status is that of serve(); of one that waited and has accepted none: errno of accept(2), or 0 when it was to leave.
 * Returns its process id, or -errno.
 */
pid_t child_begin(struct inherited *l);

/* accept(2) from L into *ret.  Returns 0 or -errno. */
int child_accept(const struct listener *l, struct connection *ret);

#endif
