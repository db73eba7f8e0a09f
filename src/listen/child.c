#include "config.h"

#include "listen/child.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen/children.h"
#include "serve/serve.h"
#include "base/oom.h"
#include "base/title.h"

int
child_accept(const struct listener *l, struct connection *ret)
{
	ret->peer.length = sizeof ret->peer - offsetof(struct address, sa);
	ret->fd = accept4(l->fd, &ret->peer.sa, &ret->peer.length, SOCK_CLOEXEC);
	if (ret->fd < 0)
		return -errno;
	address_unmap(&ret->peer);
	ret->family = l->family;
	ret->name = l->name;
	return 0;
}

/* Wait for a connection and take it.  Returns 0 or -errno; does not return when there is nothing to wait for any more. */
static int
wait_for_connection(const struct inherited *l, struct connection *c)
{
	size_t count = l->listeners.count;
	int r = -EAGAIN;

	while (r == -EAGAIN) {
		struct pollfd fds[1 + INTAKE_LISTENERS];

		fds[0] = (struct pollfd){ .fd = l->leave[0], .events = POLLIN };
		for (size_t i = 0; i < count; i++)
			fds[1 + i] = (struct pollfd){ .fd = l->listeners.each[i].fd, .events = POLLIN };
		if (poll(fds, 1 + count, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (fds[0].revents != 0)
			_exit(0);
		for (size_t i = 0; i < count && r == -EAGAIN; i++)
			if (fds[1 + i].revents != 0)
				r = child_accept(&l->listeners.each[i], c);
	}
	return r;
}

/* Take a connection and report it to the parent. */
static void
take(const struct inherited *l, struct connection *c)
{
	struct source source;
	int r = wait_for_connection(l, c);
	ssize_t written;

	if (r < 0)
		_exit(-r);
	source = children_source(&c->peer, (unsigned)l->settings.source_prefix);
	written = write(l->accepted[1], &source, sizeof source);
	/* where the parent has ended meanwhile, the connection is served all the same */
	(void)written;
}

/* What is to be counted for each source has another where a proxy has named the client: report that to the parent. */
static void
report_named(void *context, const struct connection *c)
{
	const struct inherited *l = context;
	struct source source = children_source(&c->peer, (unsigned)l->settings.source_prefix);

	if (c->via.length > 0)
		send(l->accepted[1], &source, sizeof source, MSG_NOSIGNAL);
	close(l->accepted[1]);
}

/* The child: nothing of the parent's stays open but the log. */
static _Noreturn void
be_child(struct inherited *l)
{
	struct connection *c = &l->storage->connection;

	oom_volunteer();
	close(l->signals);
	if (l->notify.fd >= 0)
		close(l->notify.fd);
	if (l->leave[1] >= 0)
		close(l->leave[1]);
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
	if (c->fd < 0) {
		title_set(&l->storage->title, "usher: ready for the next connection");
		serve_confine(l->storage, l->rules, &l->settings, true);
		take(l, c);
	}
	if (l->leave[0] >= 0)
		close(l->leave[0]);
	/* both ends until now: so writing to a parent that has gone is no SIGPIPE */
	close(l->accepted[0]);
	if (l->settings.max_per_source > 0 && networks_contain(&l->settings.accept_proxy, &c->peer)) {
		l->storage->session.decided = report_named;
		l->storage->session.context = l;
	} else
		close(l->accepted[1]);
	for (size_t i = 0; i < l->listeners.count; i++)
		close(l->listeners.each[i].fd);
	_exit(serve(l->storage, l->rules, &l->settings));
}

pid_t
child_begin(struct inherited *l)
{
	/* the library's, and on the parent's stack: what a C library keeps there, or makes ready for a child, is its own affair */
	pid_t pid = fork();

	if (pid == 0)
		be_child(l);
	return pid < 0 ? -errno : pid;
}
