/* Time is CLOCK_MONOTONIC in milliseconds, kept in int64_t; a deadline of CLOCK_NEVER does not come. */
#ifndef USHER_CLOCK_H
#define USHER_CLOCK_H

#include <limits.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CLOCK_NEVER INT64_MAX

static inline int64_t
clock_ms(void)
{
	struct timespec now;

#ifdef __LP64__
	/*
	 * Not through the vDSO: a short-lived process pays more for mapping it (a fault, three page tables) than for a few calls.
	 * Both syscall(2) and this call are documented, and struct timespec is the kernel's wherever a long has 64 bits.
	 */
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
#else
	clock_gettime(CLOCK_MONOTONIC, &now);
#endif
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The deadline LIMIT_MS after FROM; a limit of 0 is none. */
static inline int64_t
clock_limit(int64_t from, int limit_ms)
{
	return limit_ms == 0 ? CLOCK_NEVER : from + limit_ms;
}

/* What poll(2) wants: milliseconds left until DEADLINE, 0 when it has passed, -1 when it never comes. */
static inline int
clock_left(int64_t deadline)
{
	int64_t left;

	if (deadline == CLOCK_NEVER)
		return -1;
	left = deadline - clock_ms();
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

#endif
