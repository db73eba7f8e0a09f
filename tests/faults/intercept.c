/* What comes of each system call of usher. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

static struct process *
find_process(struct run *r, pid_t pid)
{
	for (unsigned i = 0; i < r->process_count; i++)
		if (r->processes[i].pid == pid)
			return &r->processes[i];
	if (r->process_count == PROCESSES_MAX)
		return NULL;
	r->processes[r->process_count] = (struct process){ .pid = pid, .started = r->process_count > 0, .backend = -1,
	    .status = -1 };
	return &r->processes[r->process_count++];
}

/* A libc's own beginning: until the log is looked at, which is the first that main() does. */
static bool
has_started(struct process *p, const struct inject_call *c)
{
	switch (c->number) {
	case __NR_execve:
	case __NR_brk:
	case __NR_mmap:
	case __NR_mprotect:
	case __NR_openat:
	case __NR_read:
		return p->started;
#ifdef __NR_fstat
	case __NR_fstat:
#endif
#ifdef __NR_newfstatat
	case __NR_newfstatat:
#endif
		p->started |= c->arguments[0] <= 2;
		return p->started;
	default:
		return p->started = true;
	}
}

/*
 * A connection does not fail by itself: have the other end of descriptor FD of process P reset it in truth.  Else usher would
 * rightly wait for what the peer, who knows of nothing, has yet to send.
 */
static void
reset_peer(struct run *r, const struct process *p, int fd)
{
	static const struct linger at_once = { .l_onoff = 1 };
	struct end *e = fd == p->backend ? &r->backend : &r->client;

	if (e->fd >= 0)
		setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	if (r->s->is_unix)
		r->also_right = " end=";
	else if (r->s->own_answer)
		r->also_right = " end=reply";
	else if (e->finished)
		r->also_right = e == &r->client ? " end=client" : " end=backend";
	end_close(e);
}

/* Whether descriptor FD of PID is a socket. */
static bool
is_socket(pid_t pid, int fd)
{
	char link[64], to[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
	n = readlink(link, to, sizeof to);
	return n > 7 && memcmp(to, "socket:", 7) == 0;
}

/* The socket that CALL is about: of splice(2) either may be it. */
static int
its_socket(const struct inject_call *c)
{
	int first = (int)c->arguments[0];

	return c->number == __NR_splice && !is_socket(c->pid, first) ? (int)c->arguments[2] : first;
}

void
take_call(struct run *r)
{
	struct inject_call c;
	struct process *p;
	const struct call *call;
	int error = 0;

	if (!inject_next(r->listener, &c))
		return;
	p = find_process(r, c.pid);
	call = call_find(c.number);
	if (p != NULL && c.number == __NR_exit_group)
		p->status = (int)c.arguments[0];
	else if (p != NULL && !p->passed && has_started(p, &c) && call != NULL && c.number < 512) {
		unsigned process = (unsigned)(p - r->processes), nth = ++p->counts[c.number];

		if (r->c == NULL)
			record(r, process, call, nth, &c);
		else if (r->c->call == call && r->c->process == process && r->c->nth == nth && !r->injected) {
			enum fault_class class;

			/* what came there in the record may have been another kind of call */
			if (call_can_fail(call, r->c->fault, c.pid, c.arguments, &class) && class == r->c->class) {
				error = r->c->fault->error;
				r->injected = true;
				if (class == FAULT_PEER && !is_resolver(r->c))
					reset_peer(r, p, its_socket(&c));
			}
		}
		if (c.number == __NR_connect && error == 0)
			p->backend = (int)c.arguments[0];
		if (c.number == __NR_execve && error == 0)
			p->passed = true;
	}
	inject_answer(r->listener, &c, error);
}
