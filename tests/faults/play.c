/* The conversation of a run. */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

/* How long nothing at all may happen before a case is said to hang; usher's own limits are shorter. */
#define QUIET_MS 20000
#define TICK_MS 20

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t
append(char *to, size_t used, const char *text)
{
	return text == NULL ? used : used + (size_t)sprintf(to + used, "%s", text);
}

/* The rules with what stands for %R, %W, %N and %P. */

static void
play_backend(struct run *r)
{
	const struct scenario *s = r->s;
	struct end *b = &r->backend;
	size_t banner = s->banner != NULL ? strlen(s->banner) : 0;
	size_t hello = strlen(s->first) + (s->rest != NULL ? strlen(s->rest) : 0);

	end_read(b, r->request_length + 4096);
	if (b->have >= hello)
		end_send(b, r->answer, banner);
	if (b->have >= r->request_length && (!s->half_close || b->end == ENDED))
		end_send(b, r->answer, r->answer_length);
	if (b->sent == r->answer_length)
		end_finish(b);
	if (b->have > r->request_length || memcmp(b->got, r->request, b->have) != 0)
		r->false_bytes = true;
	if (b->end == ENDED && b->have < r->client.sent && r->client.fd >= 0)
		r->short_request = true;
	if (b->end == RESET || (b->end == ENDED && b->finished) || (b->end == ENDED && b->have < r->request_length))
		end_close(b);
}

/* The client has seen its end: what was it? */
static void
judge_client(struct run *r)
{
	const struct scenario *s = r->s;
	struct end *c = &r->client;

	if (c->have > r->answer_length || memcmp(c->got, r->answer, c->have) != 0)
		r->false_bytes = true;
	if (s->reset ? c->end == RESET : c->have == r->answer_length && c->end == ENDED)
		r->full++;
	else if (c->end == ENDED && !s->is_unix && (c->have < r->backend.sent || ((s->own_answer || s->program) && c->have > 0)))
		r->short_end = true;
}

static void
play_client(struct run *r, bool tick)
{
	const struct scenario *s = r->s;
	struct end *c = &r->client;
	size_t hello = strlen(s->first) + (s->rest != NULL ? strlen(s->rest) : 0);

	if (tick && s->rest != NULL)
		end_send(c, r->request, hello);
	end_read(c, r->answer_length + 4096);
	if (c->have >= (s->banner != NULL ? strlen(s->banner) : 0) && s->more != NULL)
		end_send(c, r->request, r->request_length);
	if (c->sent == r->request_length && s->half_close)
		end_finish(c);
	if (c->end != OPEN) {
		judge_client(r);
		end_close(c);
	}
}

static void
next_backend(struct run *r)
{
	int fd = accept4(r->right, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	end_close(&r->backend);
	r->backend = (struct end){ .fd = fd, .got = r->backend.got };
	r->connections++;
}

/* Of a listening usher: the next client comes when the last has gone; SIGHUP after the first, SIGTERM after the last. */
static void
next_client(struct run *r)
{
	char own[200];

	if (!is_listening(r->s) || r->client.fd >= 0 || r->gone || r->terminated)
		return;
	if (r->client_number == CLIENTS) {
		r->terminated = true;
		kill(r->pid, SIGTERM);
		return;
	}
	if (r->client_number == 1 && !r->parent_was_first) {
		r->parent_was_first = true;
		kill(r->pid, SIGHUP);
	}
	sprintf(own, "%s.own", r->path);
	r->client = (struct end){ .fd = open_connection(r->s->is_unix ? own : NULL, r->own_socket), .got = r->client.got };
	r->backend.sent = 0;
	if (r->client.fd < 0)
		return;
	r->client_number++;
	end_send(&r->client, r->request, strlen(r->s->first));
}

static void
take_log(struct run *r)
{
	ssize_t n = read(r->log, r->text + r->text_length, sizeof r->text - 1 - r->text_length);

	if (n > 0)
		r->text_length += (size_t)n;
	if (n == 0) {
		close(r->log);
		r->log = -1;
	}
	r->text[r->text_length] = '\0';
}

/* Reap whoever has ended; orphans are ours, too. */
static void
reap_all(struct run *r)
{
	char waste[1024];
	pid_t pid;
	int status;

	while (read(r->children, waste, sizeof waste) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == r->pid)
			r->status = status;
}

static void
play(struct run *r)
{
	r->last = now_ms();
	while (!r->gone || r->client.fd >= 0) {
		struct pollfd p[] = {
			{ .fd = r->gone ? -1 : r->listener, .events = POLLIN },
			{ .fd = r->client.fd, .events = POLLIN },
			{ .fd = r->backend.fd, .events = r->backend.end == OPEN ? POLLIN : 0 },
			{ .fd = r->right, .events = POLLIN },
			{ .fd = r->wrong, .events = POLLIN },
			{ .fd = r->c != NULL && r->c->log == LOG_FULL ? -1 : r->log, .events = POLLIN },
			{ .fd = r->children, .events = POLLIN },
		};
		int n = poll(p, sizeof p / sizeof p[0], is_listening(r->s) && r->client.fd < 0 && !r->terminated ? 2 : TICK_MS);

		if (n > 0)
			r->last = now_ms();
		else if (now_ms() - r->last > QUIET_MS) {
			r->hung = true;
			break;
		}
		if (p[6].revents != 0)
			reap_all(r);
		if (p[0].revents & POLLIN)
			take_call(r);
		else if (p[0].revents & POLLHUP)
			r->gone = true;
		if (p[4].revents != 0) {
			r->wrong_reached = true;
			close(accept(r->wrong, NULL, NULL));
		}
		if (p[3].revents != 0)
			next_backend(r);
		if (p[5].revents != 0)
			take_log(r);
		if (r->backend.fd >= 0)
			play_backend(r);
		if (r->client.fd >= 0)
			play_client(r, n == 0);
		next_client(r);
		/* nobody is left who could answer it: what a listening usher never accepted */
		if (r->gone && r->client.fd >= 0 && n == 0)
			end_close(&r->client);
	}
}

static void
finish(struct run *r)
{
	int status = 0;

	if (r->hung) {
		kill(-r->pid, SIGKILL);
		/* calls that still wait are answered by closing the listener */
		close(r->listener);
		r->listener = -1;
		while (waitpid(-1, &status, 0) > 0)
			;
		r->status = status;
	}
	/* nobody has the filter any more; the last of them may have yet to be waited for */
	if (r->status == -1 && waitpid(r->pid, &r->status, 0) < 0)
		r->status = -1;
	reap_all(r);
	while (r->log >= 0 && !r->hung && (r->c == NULL || r->c->log != LOG_FULL)) {
		size_t before = r->text_length;

		take_log(r);
		if (r->text_length == before)
			break;
	}
	for (int *fd = (int[]){ r->listener, r->right, r->wrong, r->log, r->client.fd, r->backend.fd, -2 }; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	free(r->client.got);
	free(r->backend.got);
}

void
run(struct run *r, const struct scenario *s, const struct testcase *c, char *path, int children)
{
	memset(r, 0, sizeof *r);
	r->s = s;
	r->c = c;
	r->path = path;
	r->children = children;
	r->status = -1;
	r->request = calloc(1, s->bulk_up + 4096);
	r->answer = calloc(1, s->bulk_down + 4096);
	r->request_length = append(r->request, append(r->request, append(r->request, 0, s->first), s->rest), s->more);
	memset(r->request + r->request_length, 'u', s->bulk_up);
	r->request_length += s->bulk_up;
	r->answer_length = append(r->answer, 0, s->banner);
	memset(r->answer + r->answer_length, 'd', s->bulk_down);
	r->answer_length = append(r->answer, r->answer_length + s->bulk_down, s->bye);
	scenario_begin(r);
	play(r);
	finish(r);
	free(r->request);
	free(r->answer);
}
