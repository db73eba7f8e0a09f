/*
 * What the parent does apart from accepting: its messages, the child that waits for the next connection, children that have ended.
 */
#include "config.h"

#include "listen/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/* How long not to accept when descriptors, memory or processes have run out. */
#define PAUSE_MS 100
/* How long a child that waits for a connection may take to leave. */
#define LEAVE_MS 1000
/* How many of the latest children to look at when one has ended, and how soon at all of them. */
#define LATEST 16
#define REAP_MS 100

/* Descriptors, memory or processes have run out: pause, and say so once. */
void
parent_starve(struct parent *p, const char *what, int error)
{
	int64_t now = clock_ms();
	uint64_t suppressed;

	p->pause_until = now + PAUSE_MS;
	if (rate_limit_allows(&p->starved, now, &suppressed))
		log_line(LOG_WARNING, "%s: %s; pausing for %d ms (%" PRIu64 " similar messages suppressed)", what, strerror(error),
		    PAUSE_MS, suppressed);
}

bool
parent_is_full(const struct parent *p)
{
	size_t max = p->inherited->settings.max_connections > 0 ? (size_t)p->inherited->settings.max_connections : p->children.max;

	return p->children.count >= max;
}

void
parent_log_full(struct parent *p, const char *what)
{
	uint64_t suppressed;

	if (rate_limit_allows(&p->full, clock_ms(), &suppressed))
		log_line(LOG_WARNING, "%zu connections, %s (%" PRIu64 " similar messages suppressed)", p->children.count, what,
		    suppressed);
}

void
parent_note_child(struct parent *p, pid_t pid, const struct source *source)
{
	children_add(&p->children, pid, source);
	p->served++;
	p->status_stale = true;
	if (parent_is_full(p) && !p->inherited->settings.refuse_when_full)
		parent_log_full(p, "leaving more in the backlog");
}

/* What to do about an accept(2) that failed.  Returns false when the listener is broken. */
bool
parent_accept_failed(struct parent *p, int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		parent_starve(p, "accept", error);
		return true;
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	/* accept(2): Linux passes on network errors of the new connection, which say nothing about the next */
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case EOPNOTSUPP:
	case EPERM:
	case ETIMEDOUT:
		return true;
	default:
		log_line(LOG_ERR, "accept: %s", strerror(error));
		return false;
	}
}

bool
parent_may_begin_waiting(const struct parent *p)
{
	return p->waiting == 0 && p->inherited->settings.max_per_source == 0 && !parent_is_full(p);
}

void
parent_begin_waiting(struct parent *p)
{
	struct inherited *l = p->inherited;
	int r = 0;

	if (l->leave[1] < 0 && pipe2(l->leave, O_CLOEXEC) < 0)
		r = -errno;
	p->next->fd = -1;
	if (r == 0)
		r = child_begin(l);
	if (r < 0)
		parent_starve(p, "fork", -r);
	else
		p->waiting = r;
	p->waiting_stopped = false;
}

void
parent_log_greedy(struct parent *p, const struct address *peer)
{
	char text[ADDRESS_HOST];
	uint64_t suppressed;

	if (rate_limit_allows(&p->greedy, clock_ms(), &suppressed))
		log_line(LOG_WARNING, "%s has %d connections, refusing more (%" PRIu64 " similar messages suppressed)",
		    address_host(peer, text), p->inherited->settings.max_per_source, suppressed);
}

/* The next report of a child: SOURCE, and in *ret_pid the child, by the kernel's word.  Returns whether there is one. */
static bool
read_report(const struct parent *p, struct source *source, pid_t *ret_pid)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec data = { source, sizeof *source };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	const struct cmsghdr *header;

	*ret_pid = 0;
	if (recvmsg(p->inherited->accepted[0], &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof *source)
		return false;
	header = CMSG_FIRSTHDR(&m);
	if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS)
		*ret_pid = ((const struct ucred *)(const void *)CMSG_DATA(header))->pid;
	return true;
}

/* The child at INDEX serves a client of SOURCE, which a proxy has named: count it there, and end it where that is one too many. */
static void
note_named(struct parent *p, size_t index, const struct source *source)
{
	struct address peer = { .length = sizeof peer.in6 };
	pid_t pid = p->children.pids[index];

	p->children.sources[index] = *source;
	if (p->inherited->settings.max_per_source == 0 ||
	    children_of(&p->children, source) <= (size_t)p->inherited->settings.max_per_source)
		return;
	peer.in6.sin6_family = AF_INET6;
	memcpy(&peer.in6.sin6_addr, source->bytes, sizeof source->bytes);
	address_unmap(&peer);
	parent_log_greedy(p, &peer);
	kill(pid, SIGKILL);
	children_remove(&p->children, pid);
	p->refused++;
	p->status_stale = true;
}

void
parent_note_reports(struct parent *p)
{
	struct source source = { { 0 } };
	pid_t pid;

	while (read_report(p, &source, &pid)) {
		size_t index = children_find(&p->children, pid);

		if (pid != 0 && pid == p->waiting) {
			parent_note_child(p, pid, &source);
			p->waiting = 0;
		} else if (index < p->children.count)
			note_named(p, index, &source);
	}
}

/* p->waiting has ended with STATUS (wait(2)) and has accepted no connection.  Returns false when a listener is broken. */
static bool
waiting_ended(struct parent *p, int status)
{
	p->waiting = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return parent_accept_failed(p, WEXITSTATUS(status));
	/* what ended it may end the next one as well */
	if (WIFSIGNALED(status))
		p->pause_until = clock_ms() + PAUSE_MS;
	return true;
}

void
parent_end_waiting(struct parent *p)
{
	struct inherited *l = p->inherited;

	if (l->leave[1] < 0)
		return;
	close(l->leave[1]);
	for (int i = 0; p->waiting != 0; i++) {
		struct pollfd accepted = { .fd = l->accepted[0], .events = POLLIN };

		poll(&accepted, 1, 1);
		parent_note_reports(p);
		parent_reap(p);
		/* it was stopped (SIGSTOP) */
		if (i == LEAVE_MS && p->waiting != 0)
			kill(p->waiting, SIGKILL);
	}
	close(l->leave[0]);
	l->leave[0] = l->leave[1] = -1;
}

/* A process that crashed had no chance to log its connection.  What people and programs end each other with is no crash. */
static void
log_crash(pid_t pid, const char *what, int status)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (number != 0 && number != SIGHUP && number != SIGINT && number != SIGTERM && number != SIGPIPE)
		log_line(LOG_ERR, "process %d (%s) was killed by signal %d (%s)", (int)pid, what, number, strsignal(number));
}

/* Take note of what WHICH (-1: any) has done, and forget it if that is to end.  Returns whether there was something. */
static bool
reap(struct parent *p, pid_t which)
{
	int status;
	pid_t pid = waitpid(which, &status, WNOHANG | WUNTRACED | WCONTINUED);

	if (pid <= 0)
		return false;
	if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
		/* stopping the child that waits must not stop the port */
		if (pid == p->waiting)
			p->waiting_stopped = WIFSTOPPED(status);
		return true;
	}
	/* it may have accepted a connection and served it already */
	if (pid == p->waiting)
		parent_note_reports(p);
	if (pid == p->waiting || children_find(&p->children, pid) < p->children.count)
		log_crash(pid, pid == p->waiting ? "waiting for a connection" : "serving one connection", status);
	if (pid == p->waiting) {
		if (!waiting_ended(p, status))
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
	int saved = errno;

	do
		errno = 0;
	while (reap(p, -1));
	/* a report that could not be had is not lost while there are children */
	p->reap_due = errno == ECHILD && p->children.count > 0 ? clock_ms() + REAP_MS : CLOCK_NEVER;
	errno = saved;
}

void
parent_reap_latest(struct parent *p, pid_t reported)
{
	struct children *c = &p->children;

	if (c->count <= LATEST) {
		parent_reap(p);
		return;
	}
	if (reported == p->waiting || children_find(c, reported) < c->count)
		reap(p, reported);
	for (size_t i = c->count, n = 0; i > 0 && n < LATEST; n++)
		if (--i < c->count)
			reap(p, c->pids[i]);
	if (p->reap_due == CLOCK_NEVER)
		p->reap_due = clock_ms() + REAP_MS;
}
