/*
 * A message that would come again and again is logged once, and then once a minute with the number of those that were suppressed.
 */
#ifndef USHER_RATELIMIT_H
#define USHER_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_LIMIT_MS 60000

/* Begin with { 0 }. */
struct rate_limit {
	int64_t quiet_until;
	uint64_t suppressed;
};

/* Whether to log another message at NOW (clock.h), and in *ret_suppressed how many were not logged since the last. */
static inline bool
rate_limit_allows(struct rate_limit *l, int64_t now, uint64_t *ret_suppressed)
{
	if (now < l->quiet_until) {
		l->suppressed++;
		return false;
	}
	*ret_suppressed = l->suppressed;
	*l = (struct rate_limit){ .quiet_until = now + RATE_LIMIT_MS };
	return true;
}

#endif
