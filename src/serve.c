#include "config.h"

#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
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

/* What is known of the connection so far; everything that its log line tells. */
struct story {
	struct connection *connection;
	const struct settings *settings;
	int64_t start;
	struct sniff sniff;
	struct readings readings;
	uint8_t scratch[SNIFF_MAX];
	const struct rule *rule;	/* NULL: none */
	const struct probe *probe;	/* NULL: not known */
};

static struct span
seen(const struct story *s)
{
	return span_of(s->sniff.bytes, s->sniff.have);
}

/* Begin the log line: client, protocol with attributes, rule and action. */
static void
describe(const struct story *s, struct logfmt *l)
{
	char text[ADDRESS_TEXT];

	*l = (struct logfmt){ 0 };
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
conclude(const struct story *s, struct logfmt *l, int level, const char *end)
{
	int64_t ms = clock_ms() - s->start;
	char text[32];

	snprintf(text, sizeof text, "%lld.%03llds", (long long)(ms / 1000), (long long)(ms % 1000));
	logfmt_text(l, "duration", text);
	logfmt_text(l, "end", end);
	log_line(level, "%s", l->text);
}

static void
tell(const struct story *s, const char *end)
{
	struct logfmt l;

	describe(s, &l);
	conclude(s, &l, LOG_INFO, end);
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

/* Have ps(1) and systemctl(1) show what this process does. */
static void
show(const struct story *s, const char *what, const char *to)
{
	char client[ADDRESS_TEXT];

	title_set(s->settings->title, "usher: %s %s%s%s", what, address_format(&s->connection->peer, client),
	    *to != '\0' ? " -> " : "", to);
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

static int
act_connect(struct story *s)
{
	const struct action *a = &s->rule->action;
	struct relay_result result;
	struct address backend;
	struct logfmt l;
	char text[ADDRESS_TEXT];
	int fd;

	signal(SIGPIPE, SIG_IGN);	/* splice(2) has no MSG_NOSIGNAL */
	fd = dial(a->endpoints, a->count, clock_ms() + s->settings->connect_timeout_ms, &backend);
	describe(s, &l);
	if (fd < 0) {
		logfmt_text(&l, "error", strerror(-fd));
		conclude(s, &l, LOG_ERR, "backend-unreachable");
		reset_close(s->connection->fd);
		return EX_UNAVAILABLE;
	}
	logfmt_text(&l, "backend", address_format(&backend, text));
	show(s, s->probe != NULL ? s->probe->name : "relaying", text);
	relay(s->connection->fd, fd, s->settings->idle_timeout_ms, &result);
	logfmt_number(&l, "bytes_in", result.bytes[RELAY_CLIENT]);
	logfmt_number(&l, "bytes_out", result.bytes[RELAY_BACKEND]);
	if (result.end == RELAY_END_SYSTEM)
		logfmt_text(&l, "error", strerror(result.error));
	conclude(s, &l, result.end == RELAY_END_SYSTEM ? LOG_ERR : LOG_INFO, relay_end_name(result.end));
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
	int r = sniff_now(&s->sniff);

	for (;;) {
		struct patience patience;
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
		show(s, "waiting for", "");
		if (s->sniff.have == 0 && patience.quiet_ms < deadline - s->start)
			r = sniff_wait(&s->sniff, patience.want, s->start + patience.quiet_ms);
		else
			r = sniff_wait(&s->sniff, patience.want, deadline);
		now = clock_ms();
	}
}

int
serve(struct connection *c, const struct rules *rules, const struct settings *settings)
{
	/* static: pages that are not needed cost nothing, and a process serves one connection */
	static struct story s;
	const char *end;
	enum verdict v;

	s.connection = c;
	s.settings = settings;
	s.start = clock_ms();
	s.readings.scratch = s.scratch;
	s.readings.scratch_size = sizeof s.scratch;
	sniff_begin(&s.sniff, c->fd, c->family);

	v = decide(&s, rules, &end);
	sniff_end(&s.sniff);
	s.probe = readings_identify(&s.readings, s.rule != NULL ? rule_protocol(s.rule) : NULL, seen(&s));
	if (v == PROBE_YES)
		return act(&s);
	drain(c->fd);
	close(c->fd);
	tell(&s, end);
	return EX_OK;
}
