#include "config.h"

#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "dial.h"
#include "handover.h"
#include "log.h"
#include "logfmt.h"
#include "relay.h"
#include "reset.h"
#include "story.h"
#include "title.h"

/*
 * A process has one connection, so all of it is static: what is not touched costs nothing.  In front is a stack for a child that
 * serves; its upper end, the connection, the title and the story's beginning are in the same page.
 */
#define STACK_SIZE (192 * 1024)
#define STACK_IN_PAGE 2048
static _Alignas(4096) struct {
	char stack[STACK_SIZE + STACK_IN_PAGE];
	struct connection connection;
	struct title title;
	struct story story;
} hot;

/* Take what has arrived, so that closing does not turn into a reset.  Returns false at the end of file. */
static bool
drain(int fd)
{
	char waste[4096];
	ssize_t n;

	/* bounded: who sends faster than this reads is met again by the caller's poll */
	for (int i = 0; i < 64; i++) {
		n = recv(fd, waste, sizeof waste, MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
	}
	return true;
}

/* Send all of TEXT until DEADLINE.  Returns false when the client does not take it. */
static bool
send_all(int fd, const char *text, size_t length, int64_t deadline)
{
	while (length > 0) {
		ssize_t n = send(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		if (n > 0) {
			text += n;
			length -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR)
			return false;
		else if (poll(&p, 1, clock_left(deadline)) == 0)
			return false;
	}
	return true;
}

/* Send the reply, then wait for the client to close, for closing on bytes that are not read yet would destroy the reply. */
static void
reply(int fd, const struct action *a, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (send_all(fd, a->reply, a->count, deadline) && shutdown(fd, SHUT_WR) == 0)
		while (drain(fd) && poll(&p, 1, clock_left(deadline)) > 0)
			;
	close(fd);
}

/* A title is for connections that last this long, for it costs as much as a chat. */
#define SHOW_MS 1000

/* Have ps(1) and systemctl(1) show what this process does. */
static void
show_waiting(struct story *s)
{
	char client[ADDRESS_TEXT];

	title_format(&hot.title, "usher: waiting for %s", address_format(&s->connection->peer, client));
}

static void
show_relaying(void *story)
{
	struct story *s = story;
	char client[ADDRESS_TEXT], backend[ADDRESS_TEXT];

	title_format(&hot.title, "usher: %s %s -> %s", s->probe != NULL ? s->probe->name : "relaying",
	    address_format(&s->connection->peer, client), address_format(&s->backend, backend));
}

static int
act_exec(struct story *s)
{
	const struct action *a = &s->rule->action;
	int r;

	/* the last words: after this the process is another program */
	story_tell(s, "exec");
	r = handover(s->connection, a->argv, s->probe, &s->readings.reading);
	log_line(LOG_ERR, "rule %u: cannot run %s: %s", s->rule->number, a->argv[0], strerror(-r));
	return r == -ENOENT || r == -ENOTDIR ? 127 : 126;
}

static int
act_connect(struct story *s)
{
	const struct action *a = &s->rule->action;
	/* once the line says what was in the bytes, the room that they are in can be used again */
	struct relay_options options = { s->settings->idle_timeout_ms, s->sniff.bytes, show_relaying, s };
	struct relay_result result;
	int fd;

	_Static_assert(RELAY_BUFFER <= sizeof s->sniff.bytes, "the relay has room");
	fd = dial(a->endpoints, a->count, clock_ms() + s->settings->connect_timeout_ms, &s->backend);
	story_describe(s);
	if (fd < 0) {
		logfmt_text(&s->line, "error", strerror(-fd));
		story_conclude(s, LOG_ERR, "backend-unreachable");
		reset_close(s->connection->fd);
		return EX_UNAVAILABLE;
	}
	relay(s->connection->fd, fd, &options, &result);
	story_tell_relayed(s, &result);
	return result.end == RELAY_END_SYSTEM ? EX_OSERR : EX_OK;
}

static int
act(struct story *s)
{
	switch (s->rule->action.kind) {
	case ACTION_EXEC:
		return act_exec(s);
	case ACTION_CONNECT:
		return act_connect(s);
	case ACTION_REPLY:
		reply(s->connection->fd, &s->rule->action, clock_ms() + s->settings->timeout_ms);
		story_tell(s, "reply");
		break;
	case ACTION_REJECT:
		reset_close(s->connection->fd);
		story_tell(s, "reject");
		break;
	case ACTION_CLOSE:
		drain(s->connection->fd);
		close(s->connection->fd);
		story_tell(s, "close");
		break;
	}
	return EX_OK;
}

/* For --verbose: what every rule says of the bytes that there are. */
static void
tell_verdicts(struct story *s, const struct rules *rules, const struct evidence *e)
{
	static const char *const names[] = { [PROBE_NO] = "NO", [PROBE_MORE] = "MORE", [PROBE_YES] = "YES" };

	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next) {
		struct patience p = { SIZE_MAX, INT64_MAX };

		log_line(LOG_DEBUG, "%zu bytes%s: rule %u says %s", e->bytes.length, e->final ? ", no more to come" : "", rule->number,
		    names[rule_verdict(rule, e, &s->readings, &p)]);
	}
}

/* What has come of waiting: PROBE_YES with the rule in S, PROBE_NO with the reason in *ret_end. */
static enum verdict
decide(struct story *s, const struct rules *rules, const char **ret_end)
{
	int64_t deadline = s->start + s->settings->timeout_ms, now = s->start;
	struct evidence e = { .connection = s->connection, .timeout_ms = s->settings->timeout_ms };
	bool shown = false;
	int r = sniff_now(&s->sniff);

	for (;;) {
		struct patience patience;
		int64_t until = deadline;
		enum verdict v;

		if (r < 0 && r != -ETIMEDOUT) {
			*ret_end = "client-reset";
			return PROBE_NO;
		}
		if (s->sniff.ended && s->sniff.have == 0) {
			*ret_end = "client";
			return PROBE_NO;
		}
		e.bytes = story_seen(s);
		e.quiet_ms = s->sniff.have == 0 ? now - s->start : 0;
		e.final = s->sniff.ended || now >= deadline || s->sniff.have == SNIFF_MAX;
		if (s->settings->verbose)
			tell_verdicts(s, rules, &e);
		v = rules_pick(rules, &e, &s->readings, &s->rule, &patience);
		if (v != PROBE_MORE) {
			*ret_end = "no-rule";
			return v;
		}
		if (s->sniff.have == 0 && patience.quiet_ms < deadline - s->start)
			until = s->start + patience.quiet_ms;
		if (!shown && now - s->start >= SHOW_MS) {
			show_waiting(s);
			shown = true;
		}
		if (!shown && until - s->start > SHOW_MS)
			until = s->start + SHOW_MS;
		r = sniff_wait(&s->sniff, patience.want, until);
		now = clock_ms();
	}
}

void *
serve_stack(void)
{
	return hot.stack + sizeof hot.stack;
}

struct connection *
serve_connection(void)
{
	return &hot.connection;
}

struct title *
serve_title(void)
{
	return &hot.title;
}

int
serve(struct connection *c, const struct rules *rules, const struct settings *settings)
{
	struct story *s = &hot.story;
	const char *end;
	enum verdict v;

	s->connection = c;
	s->settings = settings;
	s->start = clock_ms();
	s->readings.scratch = s->scratch;
	s->readings.scratch_size = sizeof s->scratch;
	sniff_begin(&s->sniff, c->fd, c->family);

	v = decide(s, rules, &end);
	sniff_end(&s->sniff);
	s->probe = readings_identify(&s->readings, s->rule != NULL ? rule_protocol(s->rule) : NULL, story_seen(s));
	if (v == PROBE_YES)
		return act(s);
	drain(c->fd);
	close(c->fd);
	story_tell(s, end);
	return EX_OK;
}
