#include "config.h"

#include "child.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
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

/* For a program's environment, or to resolve a name. */
static bool
needs_malloc(const struct action *a)
{
	if (a->kind == ACTION_EXEC)
		return true;
	for (size_t i = 0; a->kind == ACTION_CONNECT && i < a->count; i++)
		if (a->endpoints[i].address.length == 0)
			return true;
	return false;
}

void
child_prepare_malloc(const struct rules *rules)
{
	void *volatile first;

	for (const struct rule *r = rules->first; r != NULL; r = r->next)
		if (needs_malloc(&r->action)) {
			first = malloc(1);
			free(first);
			return;
		}
}

/* How much of the stack there may be below the function that runs. */
#define STACK_BELOW (1024 * 1024)

/* Move TEXT to *TO.  Returns where it is then, or NULL when it does not fit before END. */
static char *
move(const char *text, char **to, const char *end)
{
	size_t size = strlen(text) + 1;
	char *moved = *to;

	if (size > (size_t)(end - moved))
		return NULL;
	*to += size;
	return memcpy(moved, text, size);
}

void
child_leave_stack(struct listeners *listeners)
{
	extern char **environ;
	/* static: pages that are not needed cost nothing, and it is near everything else */
	static char *list[1024], text[32 * 1024];
	char *to = text, *end = text + sizeof text;
	size_t count = 0, page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t top = getauxval(AT_EXECFN), here = (uintptr_t)&top;

#ifdef __GLIBC__
	/* it keeps pointers to what the kernel has put there */
	top = 0;
#endif
	if (top == 0)
		return;
	for (; count < sizeof list / sizeof list[0] - 1 && environ[count] != NULL; count++)
		if ((list[count] = move(environ[count], &to, end)) == NULL)
			return;
	if (environ[count] != NULL)
		return;
	for (size_t i = 0; i < listeners->count; i++) {
		struct listener *l = &listeners->each[i];

		if (l->name != NULL && (l->name = move(l->name, &to, end)) == NULL)
			return;
	}
	environ = list;
	/* the last thing on a stack is the program's name, and a pointer's worth of zeroes */
	top += strlen((const char *)top) + 1 + sizeof(void *);
	/* the rest of the stack is below; that some of the range is not mapped does not matter */
	here -= here % page + STACK_BELOW;
	madvise((void *)here, (top - here + page - 1) / page * page, MADV_DONTFORK);
}
