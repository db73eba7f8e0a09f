/* Children that have ended. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "clock.h"
#include "log.h"
#include "parent.h"

/* How many of the latest children to look at when one has ended, and how soon at all of them. */
#define LATEST 16
#define REAP_MS 100

/* A process that crashed had no chance to log its connection.  What people and programs end each other with is no crash. */
static void
tell_crash(pid_t pid, int status)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (number != 0 && number != SIGHUP && number != SIGINT && number != SIGTERM && number != SIGPIPE)
		log_line(LOG_ERR, "process %d, of one connection, was ended by signal %d (%s)", (int)pid, number, strsignal(number));
}

/* Forget WHICH (-1: any) if it has ended.  Returns whether it has. */
static bool
reap(struct parent *p, pid_t which)
{
	int status;
	pid_t pid = waitpid(which, &status, WNOHANG);

	if (pid <= 0)
		return false;
	tell_crash(pid, status);
	/* it may have taken a connection and served it already */
	if (pid == p->ready)
		accept_heed(p);
	if (pid == p->ready) {
		if (!accept_ended(p, status))
			p->broken = true;
		return true;
	}
	children_remove(&p->children, pid);
	p->status_stale = true;
	p->idle_since = clock_ms();
	return true;
}

void
parent_reap(struct parent *p)
{
	while (reap(p, -1))
		;
	p->reap_due = CLOCK_NEVER;
}

void
parent_reap_latest(struct parent *p, pid_t told)
{
	struct children *c = &p->children;

	if (c->count <= LATEST) {
		parent_reap(p);
		return;
	}
	if (told == p->ready || children_find(c, told) < c->count)
		reap(p, told);
	for (size_t i = c->count, n = 0; i > 0 && n < LATEST; n++)
		if (--i < c->count)
			reap(p, c->pids[i]);
	if (p->reap_due == CLOCK_NEVER)
		p->reap_due = clock_ms() + REAP_MS;
}
