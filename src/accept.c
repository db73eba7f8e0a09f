/* Who is let in: accept, keep to the limits, have a child serve; and the child that is ready for whoever comes next. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "parent.h"
#include "reset.h"

/* How long not to accept when descriptors, memory or processes have run out; and how often, at the most, to talk about a spell. */
#define PAUSE_MS 100
/* How long a child that waits for a connection may take to hear that it is to end. */
#define RECALL_MS 1000
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
	return p->legacy->settings.max_per_source > 0 && address_is_ip(peer) &&
	    children_of(&p->children, source) >= (size_t)p->legacy->settings.max_per_source;
}

static void
tell_greedy(struct parent *p, const struct address *peer)
{
	char text[ADDRESS_HOST];
	uint64_t untold;

	if (spell_tell(&p->greedy, clock_ms(), &untold))
		log_line(LOG_WARNING, "%s has %d connections, refusing more (%" PRIu64 " times untold)", address_host(peer, text),
		    p->legacy->settings.max_per_source, untold);
}

static bool
is_full(const struct parent *p)
{
	size_t max = p->legacy->settings.max_connections > 0 ? (size_t)p->legacy->settings.max_connections : p->children.max;

	return p->children.count >= max;
}

static void
tell_full(struct parent *p, const char *what)
{
	uint64_t untold;

	if (spell_tell(&p->full, clock_ms(), &untold))
		log_line(LOG_WARNING, "%zu connections, %s (%" PRIu64 " times untold)", p->children.count, what, untold);
}

static void
note_child(struct parent *p, pid_t pid, const struct source *source)
{
	children_add(&p->children, pid, source);
	p->served++;
	p->status_stale = true;
	if (is_full(p) && !p->legacy->settings.refuse_when_full)
		tell_full(p, "leaving more in the backlog");
}

/* Serve p->next in a process of its own, or refuse it. */
static void
hand_out(struct parent *p)
{
	struct source source = children_source(&p->next->peer, (unsigned)p->legacy->settings.source_prefix);
	pid_t pid;

	/* who has ended must not be held against anybody */
	if (is_full(p) || is_greedy(p, &source, &p->next->peer))
		parent_reap(p);
	if (is_full(p)) {
		tell_full(p, "refusing more");
		refuse(p, p->next->fd);
		return;
	}
	if (is_greedy(p, &source, &p->next->peer)) {
		tell_greedy(p, &p->next->peer);
		refuse(p, p->next->fd);
		return;
	}
	pid = child_begin(p->legacy);
	if (pid < 0) {
		starve(p, "fork", -pid);
		refuse(p, p->next->fd);
		return;
	}
	close(p->next->fd);
	note_child(p, pid, &source);
}

/* What to do about an accept(2) that failed.  Returns false when the listener is broken. */
static bool
accept_failed(struct parent *p, int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		starve(p, "accept", error);
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
accept_is_open(const struct parent *p, int64_t now)
{
	if (p->stopping || now < p->pause_until)
		return false;
	return p->legacy->settings.refuse_when_full || !is_full(p);
}

/* One, and not all that wait: poll(2) finds the next as fast as accept(2) would, and that there is none costs no errno, a page copied. */
bool
accept_one(struct parent *p, const struct listener *l)
{
	int r = child_accept(l, p->next);

	if (r < 0)
		return accept_failed(p, -r);
	hand_out(p);
	return true;
}

bool
accept_may_get_ready(const struct parent *p)
{
	return p->ready == 0 && p->legacy->settings.max_per_source == 0 && !is_full(p);
}

void
accept_get_ready(struct parent *p)
{
	struct legacy *l = p->legacy;
	int r = 0;

	if (l->recall[1] < 0 && pipe2(l->recall, O_CLOEXEC) < 0)
		r = -errno;
	p->next->fd = -1;
	if (r == 0)
		r = child_begin(l);
	if (r < 0)
		starve(p, "fork", -r);
	else
		p->ready = r;
}

void
accept_heed(struct parent *p)
{
	struct source source;

	if (p->ready == 0 || read(p->legacy->taken[0], &source, sizeof source) != sizeof source)
		return;
	note_child(p, p->ready, &source);
	p->ready = 0;
}

bool
accept_ended(struct parent *p, int status)
{
	p->ready = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return accept_failed(p, WEXITSTATUS(status));
	/* what ended it may end the next one as well */
	if (WIFSIGNALED(status))
		p->pause_until = clock_ms() + PAUSE_MS;
	return true;
}

void
accept_recall(struct parent *p)
{
	struct legacy *l = p->legacy;

	if (l->recall[1] < 0)
		return;
	close(l->recall[1]);
	for (int i = 0; p->ready != 0; i++) {
		struct pollfd taken = { .fd = l->taken[0], .events = POLLIN };

		poll(&taken, 1, 1);
		accept_heed(p);
		parent_reap(p);
		/* somebody has stopped it */
		if (i == RECALL_MS && p->ready != 0)
			kill(p->ready, SIGKILL);
	}
	close(l->recall[0]);
	l->recall[0] = l->recall[1] = -1;
}
