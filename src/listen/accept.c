/* Accept, keep to the limits, have a child serve. */
#include "config.h"

#include "listen/accept.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/reset.h"

/* Refuse FD: its client learns at once, and has to try again. */
static void
refuse(struct parent *p, int fd)
{
	reset_close(fd);
	p->refused++;
	p->status_stale = true;
}

/* Whether SOURCE has as many connections as one may have.  A proxy has as many as its clients make. */
static bool
is_greedy(const struct parent *p, const struct source *source, const struct address *peer)
{
	const struct settings *s = &p->inherited->settings;

	return s->max_per_source > 0 && address_is_ip(peer) && !networks_contain(&s->accept_proxy, peer) &&
	    children_of(&p->children, source) >= (size_t)s->max_per_source;
}

/* Serve p->next in a process of its own, or refuse it. */
static void
hand_out(struct parent *p)
{
	struct source source = children_source(&p->next->peer, (unsigned)p->inherited->settings.source_prefix);
	pid_t pid;

	/* children that have ended do not count */
	if (parent_is_full(p) || is_greedy(p, &source, &p->next->peer))
		parent_reap(p);
	if (parent_is_full(p)) {
		parent_log_full(p, "refusing more");
		refuse(p, p->next->fd);
		return;
	}
	if (is_greedy(p, &source, &p->next->peer)) {
		parent_log_greedy(p, &p->next->peer);
		refuse(p, p->next->fd);
		return;
	}
	pid = child_begin(p->inherited);
	if (pid < 0) {
		parent_starve(p, "fork", -pid);
		refuse(p, p->next->fd);
		return;
	}
	close(p->next->fd);
	parent_note_child(p, pid, &source);
}

bool
accept_is_open(const struct parent *p, int64_t now)
{
	if (p->stopping || now < p->pause_until)
		return false;
	return p->inherited->settings.refuse_when_full || !parent_is_full(p);
}

/*
 * One, and not all that wait: poll(2) finds the next as fast as accept(2) would, and that there is none costs no errno, a page
 * copied.
 */
bool
accept_one(struct parent *p, const struct listener *l)
{
	int r = child_accept(l, p->next);

	if (r < 0)
		return parent_accept_failed(p, -r);
	hand_out(p);
	return true;
}
