#include "config.h"

#include "base/stop.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

/* A signal's handler reaches nothing else.  while_asleep: the mask that the process was started with, less SIGTERM. */
static struct {
	volatile sig_atomic_t wanted;
	bool prepared;
	sigset_t while_asleep;
} state;

static void
note(int number)
{
	(void)number;
	state.wanted = 1;
}

void
stop_prepare(void)
{
	struct sigaction action = { .sa_handler = note };
	sigset_t term;

	if (state.prepared)
		return;
	state.prepared = true;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &state.while_asleep);
	sigdelset(&state.while_asleep, SIGTERM);
	sigaction(SIGTERM, &action, NULL);
}

void
stop_allow(bool allow)
{
	sigset_t term;

	if (!state.prepared)
		return;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(allow ? SIG_UNBLOCK : SIG_BLOCK, &term, NULL);
}

bool
stop_wanted(void)
{
	return state.wanted != 0;
}

int
stop_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec limit = { timeout / 1000, timeout % 1000 * 1000000L };

	if (!state.prepared)
		return poll(fds, count, timeout);
	return ppoll(fds, count, timeout < 0 ? NULL : &limit, &state.while_asleep);
}
