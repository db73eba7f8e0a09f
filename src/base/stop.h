/*
 * SIGTERM for a process that waits: it is to log how its connection ended, and then to end.
 *
 * The signal is blocked but for the time that the process sleeps, so none is lost between a look at the flag and the sleep.
 */
#ifndef USHER_STOP_H
#define USHER_STOP_H

#include <poll.h>
#include <stdbool.h>

/* From now on SIGTERM only sets a flag.  Two system calls the first time, none again.  A program that is executed has it undone. */
void stop_prepare(void);

/*
 * Let SIGTERM through, and not any more: around another call that sleeps and has a time limit, for a signal that comes right before
 * it is noticed only behind it.  Without stop_prepare() nothing happens.
 */
void stop_allow(bool allow);

/* Whether SIGTERM has come. */
bool stop_wanted(void);

/*
 * poll(2), with TIMEOUT in milliseconds or -1, in which SIGTERM comes through: then it returns -1 with EINTR and stop_wanted() is
 * true. Without stop_prepare() it is poll(2).
 */
int stop_poll(struct pollfd *fds, nfds_t count, int timeout);

#endif
