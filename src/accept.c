/* Who is let in: accept, keep to the limits, fork. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "parent.h"
#include "reset.h"
#include "serve.h"

/* How many connections one listener may bring before the others, and signals, are looked at. */
#define BATCH 16
/* How long not to accept when descriptors, memory or processes have run out; and how often, at the most, to talk about a spell. */
#define PAUSE_MS 100
#define SPELL_MS 60000

/* Whether to tell of another occurrence at NOW, of *ret_untold earlier ones too. */
static bool
spell_tell(struct spell *s, int64_t now, uint64_t *ret_untold)
{
	if (now < s->quiet_until) {
		s->untold++;
		return false;
	}
	*ret_untold = s->untold;
	*s = (struct spell){ .quiet_until = now + SPELL_MS };
	return true;
}

/* Refuse FD: its client learns at once, and has to try again. */
static void
refuse(struct parent *p, int fd)
{
	reset_close(fd);
	p->refused++;
	p->status_stale = true;
}

/* Descriptors, memory or processes have run out: pause, and say so once. */
static void
starve(struct parent *p, const char *what, int error)
{
	int64_t now = clock_ms();
	uint64_t untold;

	p->pause_until = now + PAUSE_MS;
	if (spell_tell(&p->starved, now, &untold))
		log_line(LOG_WARNING, "%s: %s; pausing for %d ms (%" PRIu64 " times untold)", what, strerror(error), PAUSE_MS, untold);
}

/* Whether SOURCE has as many connections as one may have. */
static bool
is_greedy(const struct parent *p, const struct source *source, const struct address *peer)
{
	return p->settings.max_per_source > 0 && address_is_ip(peer) &&
	    children_of(&p->children, source) >= (size_t)p->settings.max_per_source;
}

static void
tell_greedy(struct parent *p, const struct address *peer)
{
	char text[ADDRESS_HOST];
	uint64_t untold;

	if (spell_tell(&p->greedy, clock_ms(), &untold))
		log_line(LOG_WARNING, "%s has %d connections, refusing more (%" PRIu64 " times untold)", address_host(peer, text),
		    p->settings.max_per_source, untold);
}

static bool
is_full(const struct parent *p)
{
	size_t max = p->settings.max_connections > 0 ? (size_t)p->settings.max_connections : p->children.max;

	return p->children.count >= max;
}

static void
tell_full(struct parent *p, const char *what)
{
	uint64_t untold;

	if (spell_tell(&p->full, clock_ms(), &untold))
		log_line(LOG_WARNING, "%zu connections, %s (%" PRIu64 " times untold)", p->children.count, what, untold);
}

/* The child: nothing of the parent's stays open but the log. */
static _Noreturn void
be_child(struct parent *p, const struct listener *l, int fd, const struct address *peer)
{
	struct connection c = { .fd = fd, .family = l->family, .peer = *peer, .name = l->name };

	for (size_t i = 0; i < p->listeners.count; i++)
		close(p->listeners.each[i].fd);
	close(p->signals);
	if (p->notify.fd >= 0)
		close(p->notify.fd);
	sigprocmask(SIG_SETMASK, &p->mask, NULL);
	_exit(serve(&c, p->rules, &p->settings));
}

/*
 * fork(2) and nothing else.  There are no threads, so no lock of the C library has to be made ready for the child; that would cost
 * six system calls, and a page for the both of them.
 */
static pid_t
fork_plain(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* Serve a connection in a process of its own, or refuse it. */
static void
hand_out(struct parent *p, const struct listener *l, int fd, const struct address *peer)
{
	struct source source = children_source(peer, (unsigned)p->settings.source_prefix);
	pid_t pid;

	/* who has ended must not be held against anybody */
	if (is_full(p) || is_greedy(p, &source, peer))
		parent_reap(p);
	if (is_full(p)) {
		tell_full(p, "refusing more");
		refuse(p, fd);
		return;
	}
	if (is_greedy(p, &source, peer)) {
		tell_greedy(p, peer);
		refuse(p, fd);
		return;
	}
	pid = fork_plain();
	if (pid == 0)
		be_child(p, l, fd, peer);
	if (pid < 0) {
		starve(p, "fork", errno);
		refuse(p, fd);
		return;
	}
	close(fd);
	children_add(&p->children, pid, &source);
	p->served++;
	p->status_stale = true;
	if (is_full(p) && !p->settings.refuse_when_full)
		tell_full(p, "leaving more in the backlog");
}

/* What to do about an accept(2) that failed.  Returns whether to go on with this listener, or -1 when it is broken. */
static int
accept_failed(struct parent *p, int error)
{
	switch (error) {
	case EAGAIN:
		return 0;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		starve(p, "accept", error);
		return 0;
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
		return 1;
	default:
		log_line(LOG_ERR, "accept: %s", strerror(error));
		return -1;
	}
}

bool
accept_is_open(const struct parent *p, int64_t now)
{
	if (p->stopping || now < p->pause_until)
		return false;
	return p->settings.refuse_when_full || !is_full(p);
}

bool
accept_batch(struct parent *p, const struct listener *l)
{
	int r = 1;

	for (int i = 0; i < BATCH && r > 0; i++) {
		struct address peer = { .length = sizeof peer - offsetof(struct address, sa) };
		int fd;

		if (!p->settings.refuse_when_full && is_full(p))
			break;
		fd = accept4(l->fd, &peer.sa, &peer.length, SOCK_CLOEXEC);
		if (fd < 0) {
			r = accept_failed(p, errno);
			continue;
		}
		address_unmap(&peer);
		hand_out(p, l, fd, &peer);
		if (p->pause_until > 0 && clock_ms() < p->pause_until)
			break;
	}
	return r >= 0;
}
