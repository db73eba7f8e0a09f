#include "config.h"

#include "child.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "children.h"
#include "serve.h"
#include "title.h"

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
wait_for_connection(const struct legacy *l, struct connection *c)
{
	size_t count = l->listeners.count;
	int r = -EAGAIN;

	title_set(serve_title(), "usher: ready for the next connection");
	while (r == -EAGAIN) {
		struct pollfd fds[1 + INTAKE_LISTENERS];

		fds[0] = (struct pollfd){ .fd = l->recall[0], .events = POLLIN };
		for (size_t i = 0; i < count; i++)
			fds[1 + i] = (struct pollfd){ .fd = l->listeners.each[i].fd, .events = POLLIN };
		if (poll(fds, 1 + count, -1) < 0)
			return -errno;
		if (fds[0].revents != 0)
			_exit(0);
		for (size_t i = 0; i < count && r == -EAGAIN; i++)
			if (fds[1 + i].revents != 0)
				r = child_accept(&l->listeners.each[i], c);
	}
	return r;
}

/* Take a connection and tell the parent of it. */
static void
take(const struct legacy *l, struct connection *c)
{
	struct source source;
	int r = wait_for_connection(l, c);
	ssize_t written;

	if (r < 0)
		_exit(-r);
	source = children_source(&c->peer, (unsigned)l->settings.source_prefix);
	written = write(l->taken[1], &source, sizeof source);
	/* where the parent has ended meanwhile, the connection is served all the same */
	(void)written;
}

/* The child: nothing of the parent's stays open but the log. */
static int
be_child(void *legacy)
{
	const struct legacy *l = legacy;
	struct connection *c = serve_connection();

	close(l->signals);
	if (l->notify.fd >= 0)
		close(l->notify.fd);
	if (l->recall[1] >= 0)
		close(l->recall[1]);
	sigprocmask(SIG_SETMASK, &l->mask, NULL);
	if (c->fd < 0)
		take(l, c);
	if (l->recall[0] >= 0)
		close(l->recall[0]);
	/* both ends until now: nobody is killed for telling a parent that has gone */
	close(l->taken[0]);
	close(l->taken[1]);
	for (size_t i = 0; i < l->listeners.count; i++)
		close(l->listeners.each[i].fd);
	_exit(serve(c, l->rules, &l->settings));
}

pid_t
child_begin(const struct legacy *l)
{
	/* a fork(2) with a stack of its own; nothing of the C library has to be made ready for the child, for there are no threads */
	pid_t pid = clone(be_child, serve_stack(), SIGCHLD, (void *)l);

	return pid < 0 ? -errno : pid;
}
