#include "config.h"

#include "listen.h"

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
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "children.h"
#include "clock.h"
#include "grammar.h"
#include "log.h"
#include "notify.h"
#include "reset.h"
#include "serve.h"
#include "title.h"

/* How many connections one listener may bring before the others, and signals, are looked at. */
#define BATCH 16
/* How long not to accept when descriptors, memory or processes have run out; and how often, at the most, to talk about a spell. */
#define PAUSE_MS 100
#define SPELL_MS 60000
#define STATUS_MS 1000

/* Something that happens again and again is told at its beginning, and then once a minute with the number of times. */
struct spell {
	int64_t quiet_until;
	uint64_t untold;
};

/* The parent.  What is a pointer is owned by somebody else. */
struct parent {
	struct listeners listeners;
	struct rules *rules, *spare;
	struct settings settings;
	int argc;
	char **argv;
	struct children children;
	struct notify notify;
	int signals;			/* signalfd(2) */
	sigset_t mask;			/* to put back in a child */
	bool stopping;
	int64_t drain_until, pause_until, idle_since;
	int64_t status_due, watchdog_due;
	int watchdog_ms;
	bool status_stale;
	uint64_t served, refused;
	struct spell full, greedy, starved;
};

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

static void
tell_status(struct parent *p, const char *first)
{
	char state[192];

	snprintf(state, sizeof state, "%sSTATUS=%zu connection%s, %" PRIu64 " served, %" PRIu64 " refused", first, p->children.count,
	    p->children.count == 1 ? "" : "s", p->served, p->refused);
	notify_send(&p->notify, state);
	p->status_stale = false;
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

/* A process that crashed had no chance to log its connection.  What people and programs end each other with is no crash. */
static void
tell_crash(pid_t pid, int status)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (number != 0 && number != SIGHUP && number != SIGINT && number != SIGTERM && number != SIGPIPE)
		log_line(LOG_ERR, "process %d, of one connection, was ended by signal %d (%s)", (int)pid, number, strsignal(number));
}

static void
reap(struct parent *p)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		tell_crash(pid, status);
		children_remove(&p->children, pid);
		p->status_stale = true;
		p->idle_since = clock_ms();
	}
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

/* Serve a connection in a process of its own, or refuse it. */
static void
hand_out(struct parent *p, const struct listener *l, int fd, const struct address *peer)
{
	struct source source = children_source(peer, (unsigned)p->settings.source_prefix);
	pid_t pid;

	/* who has ended must not be held against anybody */
	if (is_full(p) || is_greedy(p, &source, peer))
		reap(p);
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
	pid = fork();
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

/* Whether connections are to be taken now. */
static bool
is_accepting(const struct parent *p, int64_t now)
{
	if (p->stopping || now < p->pause_until)
		return false;
	return p->settings.refuse_when_full || !is_full(p);
}

/* Accept what waits at L.  Returns false when the listener is broken. */
static bool
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

/* Read everything again.  What is wrong is told, and then the old rules stay. */
static void
reload(struct parent *p)
{
	struct settings settings;
	struct complaint complaint;
	struct rules *old = p->rules;
	struct timespec now;
	char state[96];

	/* to the microsecond: systemd takes what is older than its own signal for the answer to an earlier one */
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tell_status(p, state);
	options_defaults(&settings);
	rules_clear(p->spare);
	if (options_parse(p->argc, p->argv, &settings, p->spare, &complaint) < 0) {
		log_line(LOG_ERR, "%s; the old rules stay", complaint.text);
	} else {
		settings.title = p->settings.title;
		p->settings = settings;
		p->rules = p->spare;
		p->spare = old;
		log_verbose(settings.verbose ? LOG_DEBUG : LOG_INFO);
		log_line(LOG_INFO, "read %u rule%s", p->rules->count, p->rules->count == 1 ? "" : "s");
	}
	tell_status(p, "READY=1\n");
}

/* Accept no more.  The sockets are given up at once: who else holds them, a successor or systemd, has the backlog to itself. */
static void
stop(struct parent *p)
{
	int64_t now = clock_ms();

	if (p->stopping)
		p->drain_until = now;	/* the second time is in earnest */
	else
		p->drain_until = p->settings.drain_ms < 0 ? CLOCK_NEVER : now + p->settings.drain_ms;
	if (!p->stopping) {
		for (size_t i = 0; i < p->listeners.count; i++)
			close(p->listeners.each[i].fd);
		p->listeners.count = 0;
		tell_status(p, "STOPPING=1\n");
	}
	p->stopping = true;
}

static void
take_signals(struct parent *p)
{
	struct signalfd_siginfo info;

	while (read(p->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			reap(p);
		else if (info.ssi_signo == SIGHUP)
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
			notify_send(&p->notify, "WATCHDOG=1");
			p->watchdog_due = now + p->watchdog_ms;
		}
		next = p->watchdog_due;
	}
	if (p->status_stale && p->notify.fd >= 0) {
		if (now >= p->status_due) {
			tell_status(p, "");
			p->status_due = now + STATUS_MS;
		} else
			next = earlier(next, p->status_due);
	}
	if (now < p->pause_until)
		next = earlier(next, p->pause_until);
	if (p->stopping)
		next = earlier(next, p->drain_until);
	else if (p->settings.idle_exit_ms > 0 && p->children.count == 0)
		next = earlier(next, p->idle_since + p->settings.idle_exit_ms);
	return next;
}

/* Whether there is nothing left to do. */
static bool
is_over(const struct parent *p, int64_t now)
{
	if (p->stopping)
		return p->children.count == 0 || now >= p->drain_until;
	return p->settings.idle_exit_ms > 0 && p->children.count == 0 && now - p->idle_since >= p->settings.idle_exit_ms;
}

static int
run(struct parent *p)
{
	for (;;) {
		struct pollfd fds[1 + INTAKE_LISTENERS];
		int64_t now = clock_ms(), next = keep_time(p, now);
		size_t count = 0;

		if (is_over(p, now))
			return EX_OK;
		if (is_accepting(p, now))
			count = p->listeners.count;
		fds[0] = (struct pollfd){ .fd = p->signals, .events = POLLIN };
		for (size_t i = 0; i < count; i++)
			fds[1 + i] = (struct pollfd){ .fd = p->listeners.each[i].fd, .events = POLLIN };
		if (poll(fds, 1 + count, clock_left(next)) < 0 && errno != EINTR) {
			log_line(LOG_ERR, "poll: %s", strerror(errno));
			return EX_OSERR;
		}
		for (size_t i = 0; i < count; i++)
			if (fds[1 + i].revents != 0 && !accept_batch(p, &p->listeners.each[i]))
				return EX_OSERR;
		/* last: it may close the listeners */
		if (fds[0].revents != 0)
			take_signals(p);
	}
}

/*
 * Make the listeners our own: not among the standard descriptors, where inetd's `wait' puts one, and not blocking, for a client may
 * be gone before it is accepted.
 */
static int
adopt(struct parent *p)
{
	for (size_t i = 0; i < p->listeners.count; i++) {
		struct listener *l = &p->listeners.each[i];

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
	char all[200] = "", text[ADDRESS_TEXT];
	size_t used = 0;

	for (size_t i = 0; i < p->listeners.count; i++) {
		struct address a = { .length = sizeof a - offsetof(struct address, sa) };

		if (getsockname(p->listeners.each[i].fd, &a.sa, &a.length) < 0)
			a.length = 0;
		used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "", address_format(&a, text));
		if (used >= sizeof all)
			break;
	}
	log_line(LOG_INFO, "listening on %s, %u rule%s", all, p->rules->count, p->rules->count == 1 ? "" : "s");
	title_set(p->settings.title, "usher: listening on %s", all);
	tell_status(p, "READY=1\n");
}

int
listen_serve(const struct listeners *listeners, struct rules *rules, struct rules *spare, const struct settings *settings,
    int argc, char **argv)
{
	/* static: a process has one, and children share it */
	static struct parent p;
	sigset_t signals;
	int r;

	p = (struct parent){ .listeners = *listeners, .rules = rules, .spare = spare, .settings = *settings, .argc = argc, .argv = argv };
	p.watchdog_ms = notify_watchdog_ms();
	p.idle_since = clock_ms();
	r = adopt(&p);
	if (r == 0)
		r = children_open(&p.children, OPTIONS_COUNT_MAX);	/* a reload may raise the limit */
	/* where a parent of ours ignored it, children would vanish without a word and be counted for ever */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (r == 0 && (sigprocmask(SIG_BLOCK, &signals, &p.mask) < 0 ||
	    (p.signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC)) < 0))
		r = -errno;
	if (r < 0) {
		log_line(LOG_ERR, "cannot begin to listen: %s", strerror(-r));
		return EX_OSERR;
	}
	notify_open(&p.notify);
	announce(&p);
	return run(&p);
}
