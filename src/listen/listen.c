#include "config.h"

#include "listen/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "listen/accept.h"
#include "listen/parent.h"
#include "serve/sandbox.h"
#include "base/title.h"

/* How often to report the numbers to systemd, at the most. */
#define STATUS_MS 1000

static void
tell_status(struct parent *p, const char *first)
{
	char state[192];

	snprintf(state, sizeof state, "%sSTATUS=%zu connection%s, %" PRIu64 " served, %" PRIu64 " refused", first,
	    p->children.count, p->children.count == 1 ? "" : "s", p->served, p->refused);
	notify_send(&p->inherited->notify, state);
	p->status_stale = false;
}

/* Read everything again.  If something is wrong, log it and keep the old rules. */
static void
reload(struct parent *p)
{
	struct settings settings;
	struct complaint complaint;
	struct rules *old = p->inherited->rules;
	struct timespec now;
	char state[96];

	/* no connection may be served by the old rules after the new ones were reported as read */
	parent_end_waiting(p);
	/* to the microsecond: systemd takes what is older than its own signal for the answer to an earlier one */
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tell_status(p, state);
	rules_clear(p->spare);
	if (p->reread(p->argc, p->argv, &settings, p->spare, &complaint) < 0) {
		log_line(LOG_ERR, "%s; the old rules stay", complaint.text);
	} else {
		p->inherited->settings = settings;
		p->inherited->rules = p->spare;
		p->spare = old;
		log_verbose(settings.verbose ? LOG_DEBUG : LOG_INFO);
		log_line(LOG_INFO, "read %u rule%s", p->inherited->rules->count, p->inherited->rules->count == 1 ? "" : "s");
	}
	tell_status(p, "READY=1\n");
}

/* Accept no more.  The sockets are closed at once, so that another process that has them, a successor or systemd, accepts
 * what is in the backlog. */
static void
stop(struct parent *p)
{
	int64_t now = clock_ms();

	if (p->stopping)
		p->drain_until = now;	/* the second time: at once */
	else
		p->drain_until = p->inherited->settings.drain_ms < 0 ? CLOCK_NEVER : now + p->inherited->settings.drain_ms;
	if (!p->stopping) {
		parent_end_waiting(p);
		for (size_t i = 0; i < p->inherited->listeners.count; i++)
			close(p->inherited->listeners.each[i].fd);
		p->inherited->listeners.count = 0;
		tell_status(p, "STOPPING=1\n");
	}
	p->stopping = true;
}

static void
take_signals(struct parent *p)
{
	/* all that there can be: they do not queue */
	struct signalfd_siginfo all[4];
	ssize_t n = read(p->inherited->signals, all, sizeof all);

	for (ssize_t i = 0; i < n / (ssize_t)sizeof all[0]; i++) {
		if (all[i].ssi_signo == SIGCHLD)
			parent_reap_latest(p, (pid_t)all[i].ssi_pid);
		else if (all[i].ssi_signo == SIGHUP)
			reload(p);
		else
			stop(p);
	}
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is due by the clock.  Returns when the next thing is. */
static int64_t
keep_time(struct parent *p, int64_t now)
{
	int64_t next = CLOCK_NEVER;

	if (p->watchdog_ms > 0) {
		if (now >= p->watchdog_due) {
			notify_send(&p->inherited->notify, "WATCHDOG=1");
			p->watchdog_due = now + p->watchdog_ms;
		}
		next = p->watchdog_due;
	}
	if (p->status_stale && p->inherited->notify.fd >= 0) {
		if (now >= p->status_due) {
			tell_status(p, "");
			p->status_due = now + STATUS_MS;
		} else
			next = earlier(next, p->status_due);
	}
	if (now >= p->reap_due)
		parent_reap(p);
	next = earlier(next, p->reap_due);
	if (now < p->pause_until)
		next = earlier(next, p->pause_until);
	if (p->stopping)
		next = earlier(next, p->drain_until);
	else if (p->inherited->settings.idle_exit_ms > 0 && p->children.count == 0)
		next = earlier(next, p->idle_since + p->inherited->settings.idle_exit_ms);
	return next;
}

/* Whether there is nothing left to do. */
static bool
is_over(const struct parent *p, int64_t now)
{
	if (p->stopping)
		return p->children.count == 0 || now >= p->drain_until;
	return p->inherited->settings.idle_exit_ms > 0 && p->children.count == 0 &&
	       now - p->idle_since >= p->inherited->settings.idle_exit_ms;
}

static int
run(struct parent *p)
{
	while (!p->broken) {
		struct pollfd fds[2 + INTAKE_LISTENERS];
		int64_t now = clock_ms(), next = keep_time(p, now);
		bool may_wait = false;
		size_t count = 0;
		int n;

		if (is_over(p, now)) {
			parent_end_waiting(p);
			/* unless it was just then that a connection came */
			if (is_over(p, now))
				return EX_OK;
			continue;
		}
		/*
		 * clients that wait are accepted here; when there are none, a child begins to wait for the next, and accepts it
		 * itself
		 */
		if ((p->waiting == 0 || p->waiting_stopped) && accept_is_open(p, now)) {
			count = p->inherited->listeners.count;
			may_wait = parent_may_begin_waiting(p);
		}
		fds[0] = (struct pollfd){ .fd = p->inherited->signals, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = p->inherited->accepted[0], .events = POLLIN };
		for (size_t i = 0; i < count; i++)
			fds[2 + i] = (struct pollfd){ .fd = p->inherited->listeners.each[i].fd, .events = POLLIN };
		n = poll(fds, 2 + count, may_wait ? 0 : clock_left(next));
		if (n < 0 && errno != EINTR) {
			/* memory, which others may give back: the port stays open */
			log_line(LOG_ERR, "poll: %s", strerror(errno));
			nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
			continue;
		}
		if (n == 0 && may_wait)
			parent_begin_waiting(p);
		for (size_t i = 0; i < count; i++)
			if (fds[2 + i].revents != 0 && !accept_one(p, &p->inherited->listeners.each[i]))
				p->broken = true;
		if (fds[1].revents != 0)
			parent_note_reports(p);
		/* last: it may close the listeners */
		if (fds[0].revents != 0)
			take_signals(p);
	}
	return EX_OSERR;
}

/*
 * Make the listeners our own: not among the standard descriptors, where inetd's `wait' puts one, and not blocking, for a client may
 * be gone before it is accepted.
 */
static int
adopt(struct parent *p)
{
	for (size_t i = 0; i < p->inherited->listeners.count; i++) {
		struct listener *l = &p->inherited->listeners.each[i];

		if (l->fd <= STDERR_FILENO) {
			int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd = fcntl(l->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

			if (null < 0 || fd < 0)
				return -errno;
			for (int standard = 0; standard <= STDERR_FILENO; standard++)
				if (standard != STDERR_FILENO || !log_stderr_is_ours())
					dup2(null, standard);
			close(null);
			l->fd = fd;
		}
		if (fcntl(l->fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(l->fd, F_SETFL, fcntl(l->fd, F_GETFL) | O_NONBLOCK) < 0)
			return -errno;
	}
	return 0;
}

/* Say where we listen, which matters most where the system chose the port. */
static void
announce(struct parent *p)
{
	char all[200] = "", text[ADDRESS_TEXT], features[SANDBOX_FEATURES];
	size_t used = 0;

	for (size_t i = 0; i < p->inherited->listeners.count; i++) {
		struct address a = { .length = sizeof a - offsetof(struct address, sa) };

		if (getsockname(p->inherited->listeners.each[i].fd, &a.sa, &a.length) < 0)
			a.length = 0;
		used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "", address_format(&a, text));
		if (used >= sizeof all)
			break;
	}
	if (p->inherited->settings.sandbox != SANDBOX_OFF && !sandbox_features(features))
		log_line(LOG_WARNING, "this kernel does not have all of the sandbox: %s", features);
	log_line(
	    LOG_INFO, "listening on %s, %u rule%s", all, p->inherited->rules->count, p->inherited->rules->count == 1 ? "" : "s");
	title_format(&p->inherited->storage->title, "usher: listening on %s", all);
	tell_status(p, "READY=1\n");
}

int
listen_serve(const struct listeners *listeners, struct storage *storage, struct rules *rules, struct rules *spare,
    const struct settings *settings, parent_reread *reread, int argc, char **argv)
{
	/* static: a process has one, and children have it too */
	static struct inherited inherited;
	struct parent p = {
		.inherited = &inherited, .next = &storage->connection, .spare = spare, .reread = reread, .argc = argc, .argv = argv
	};
	static const int on = 1;
	sigset_t signals;
	int r;

	inherited = (struct inherited){
		.storage = storage, .listeners = *listeners, .leave = { -1, -1 }, .rules = rules, .settings = *settings
	};
	p.watchdog_ms = notify_watchdog_ms();
	p.idle_since = clock_ms();
	p.reap_due = CLOCK_NEVER;
	r = adopt(&p);
	if (r == 0)
		r = children_open(&p.children, SETTINGS_COUNT_MAX);	/* a reload may raise the limit */
	/* where a parent of ours ignored it, children would vanish without a word and be counted for ever */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (r == 0 && (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, inherited.accepted) < 0 ||
	    setsockopt(inherited.accepted[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0))
		r = -errno;
	if (r == 0 && (sigprocmask(SIG_BLOCK, &signals, &inherited.mask) < 0 ||
	    (inherited.signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC)) < 0))
		r = -errno;
	/* main has it blocked; children have it as everybody expects */
	sigdelset(&inherited.mask, SIGHUP);
	if (r < 0) {
		log_line(LOG_ERR, "cannot begin to listen: %s", strerror(-r));
		return EX_OSERR;
	}
	notify_open(&inherited.notify);
	announce(&p);
	return run(&p);
}
