/*
 * The processes that serve connections: how many there are, and how many for each source.
 *
 * A source is a client's IPv4 address, or the first bits of its IPv6 address.
 */
#ifndef USHER_CHILDREN_H
#define USHER_CHILDREN_H

#include <stddef.h>
#include <sys/types.h>

#include "net/address.h"

/* An IPv4 address is kept as ::ffff:a.b.c.d; what is no IP address as ::. */
struct source {
	unsigned char bytes[16];
};

/* count of pids and sources, about in the order in which they came; room for MAX of them. */
struct children {
	size_t count, max;
	pid_t *pids;
	struct source *sources;
};

/* Make room for MAX children, for the life of the process; memory is touched as it is used.  Returns 0 or -ENOMEM. */
int children_open(struct children *c, size_t max);

/* The source that PEER belongs to, an IPv6 address cut to PREFIX bits. */
struct source children_source(const struct address *peer, unsigned prefix);

/* How many children serve SOURCE. */
size_t children_of(const struct children *c, const struct source *source);

/* Take note of a new one.  There must be room. */
void children_add(struct children *c, pid_t pid, const struct source *source);

/* The index of PID; c->count: it is not there.  The latest are looked at first. */
size_t children_find(const struct children *c, pid_t pid);

/* Forget one that has ended; of a process that is not ours nothing is known and nothing happens. */
void children_remove(struct children *c, pid_t pid);

#endif
