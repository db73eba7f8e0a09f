#include "config.h"

#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
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
#include "sniff.h"
#include "title.h"

/*
 * What is known of the connection so far; everything that its log line tells.  In the order of use: what a short connection touches
 * comes first and the large arrays last, so that it stays within a page.
 */
struct story {
	struct connection *connection;
	const struct settings *settings;
	int64_t start;
	const struct rule *rule;	/* NULL: none */
	const struct probe *probe;	/* NULL: not known */
	struct address backend;
	struct readings readings;
	struct sniff sniff;
	uint8_t scratch[SNIFF_MAX];
	struct logfmt line;
};

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

static struct span
seen(const struct story *s)
{
	return span_of(s->sniff.bytes, s->sniff.have);
}

/* Begin the log line: client, protocol with attributes, rule and action. */
static void
describe(struct story *s)
{
	struct logfmt *l = &s->line;
	char text[ADDRESS_TEXT];

	if (!log_wants(LOG_INFO))
		return;
	logfmt_text(l, "client", address_format(&s->connection->peer, text));
	if (s->connection->name != NULL)
		logfmt_text(l, "socket", s->connection->name);
	logfmt_protocol(l, s->probe, &s->readings.reading, s->sniff.have);
	if (s->rule == NULL) {
		logfmt_text(l, "rule", "none");
		return;
	}
	logfmt_number(l, "rule", s->rule->number);
	logfmt_text(l, "action", s->rule->action.text);
}

/* Finish the log line and write it. */
static void
conclude(struct story *s, int level, const char *end)
{
	struct logfmt *l = &s->line;
	int64_t ms;
	char text[32];

	if (!log_wants(level))
		return;
	ms = clock_ms() - s->start;
	snprintf(text, sizeof text, "%lld.%03llds", (long long)(ms / 1000), (long long)(ms % 1000));
	logfmt_text(l, "duration", text);
	logfmt_text(l, "end", end);
	log_line(level, "%s", l->text);
}

static void
tell(struct story *s, const char *end)
{
	describe(s);
	conclude(s, LOG_INFO, end);
}

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
	tell(s, "exec");
	r = handover(s->connection, a->argv, s->probe, &s->readings.reading);
	log_line(LOG_ERR, "rule %u: cannot run %s: %s", s->rule->number, a->argv[0], strerror(-r));
	return r == -ENOENT || r == -ENOTDIR ? 127 : 126;
}

static void
tell_relayed(struct story *s, const struct relay_result *r)
{
	bool failed = r->end == RELAY_END_SYSTEM;

	if (!log_wants(LOG_INFO))
		return;
	logfmt_number(&s->line, "bytes_in", r->bytes[RELAY_CLIENT]);
	logfmt_number(&s->line, "bytes_out", r->bytes[RELAY_BACKEND]);
	if (failed)
		logfmt_text(&s->line, "error", strerror(r->error));
	conclude(s, failed ? LOG_ERR : LOG_INFO, relay_end_name(r->end));
}

static int
act_connect(struct story *s)
{
	const struct action *a = &s->rule->action;
	/* once the line says what was in the bytes, the room that they are in can be used again */
	struct relay_options options = { s->settings->idle_timeout_ms, s->sniff.bytes, show_relaying, s };
	struct relay_result result;
	char text[ADDRESS_TEXT];
	int fd;

	_Static_assert(RELAY_BUFFER <= sizeof s->sniff.bytes, "the relay has room");
	fd = dial(a->endpoints, a->count, clock_ms() + s->settings->connect_timeout_ms, &s->backend);
	describe(s);
	if (fd < 0) {
		logfmt_text(&s->line, "error", strerror(-fd));
		conclude(s, LOG_ERR, "backend-unreachable");
		reset_close(s->connection->fd);
		return EX_UNAVAILABLE;
	}
	if (log_wants(LOG_INFO))
		logfmt_text(&s->line, "backend", address_format(&s->backend, text));
	relay(s->connection->fd, fd, &options, &result);
	tell_relayed(s, &result);
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
		tell(s, "reply");
		break;
	case ACTION_REJECT:
		reset_close(s->connection->fd);
		tell(s, "reject");
		break;
	case ACTION_CLOSE:
		drain(s->connection->fd);
		close(s->connection->fd);
		tell(s, "close");
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
		e.bytes = seen(s);
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
	s->probe = readings_identify(&s->readings, s->rule != NULL ? rule_protocol(s->rule) : NULL, seen(s));
	if (v == PROBE_YES)
		return act(s);
	drain(c->fd);
	close(c->fd);
	tell(s, end);
	return EX_OK;
}
