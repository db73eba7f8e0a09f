#include "config.h"

#include "serve/decide.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "net/sniff.h"

/* For --verbose: what every rule says of the bytes that there are. */
static void
tell_verdicts(struct session *s, const struct rules *rules, struct evidence e)
{
	for (const struct rule *rule = rules->first; rule != NULL; rule = rule->next) {
		struct awaited p = { .want = SIZE_MAX, .quiet_ms = INT64_MAX };
		enum verdict v = rule_verdict(rule, &e, &s->readings, &p);

		log_line(LOG_DEBUG, "%zu bytes%s: rule %u says %s", e.bytes.length, e.final ? ", no more to come" : "",
		    rule->number, rule_says(v, &p));
		e.waiting = e.waiting || v == PROBE_MORE || p.waited;
	}
}

static bool
has_gone_unasked(const struct connection *c)
{
	return (c->family == AF_INET || c->family == AF_INET6) && c->peer.length == 0;
}

/*
 * Take the header that the proxy must send first, until which the timeout holds.  Returns DECIDE_RULE where there is nothing
 * against going on.
 */
static enum decide_end
take_header(struct session *s, struct decision *ret)
{
	int64_t deadline = clock_limit(s->start, s->settings->timeout_ms);
	struct connection *c = s->connection;
	struct proxy_header h = { 0 };
	size_t length = 0;
	int r = sniff_now(&s->sniff);

	while (r == 0 && (length = proxy_header_parse(session_seen(s), &h, &ret->fault)) == 0) {
		/* a check whether the port is open */
		if (s->sniff.ended && s->sniff.have == 0)
			return DECIDE_CLIENT;
		if (ret->fault == PROXY_FINE && s->sniff.ended)
			ret->fault = PROXY_ENDED;
		if (ret->fault == PROXY_FINE && s->sniff.blocked)
			ret->fault = PROXY_MISSING;
		if (ret->fault != PROXY_FINE)
			return DECIDE_PROXY_HEADER;
		stop_prepare();
		r = sniff_wait(&s->sniff, s->sniff.have + 1, deadline);
	}
	if (r == 0)
		r = sniff_consume(&s->sniff, length);
	if (r == -ETIMEDOUT) {
		ret->fault = PROXY_LATE;
		return DECIDE_PROXY_HEADER;
	}
	if (r < 0) {
		ret->error = r == -EINTR ? 0 : -r;
		return r == -EINTR ? DECIDE_TERMINATED : DECIDE_CLIENT_RESET;
	}
	c->via = c->peer;
	if (h.from.length > 0) {
		c->peer = h.from;
		c->local = h.to;
	}
	return DECIDE_RULE;
}

/* Whether the bytes are a header from somebody who may not send one, or may be the beginning of it. */
static enum verdict
has_unexpected_header(const struct session *s)
{
	bool surely;

	if (networks_are_empty(&s->settings->accept_proxy) || s->connection->via.length > 0 || s->sniff.have == 0 ||
	    !proxy_header_begins(session_seen(s), &surely))
		return PROBE_NO;
	return surely ? PROBE_YES : PROBE_MORE;
}

/* What has come of waiting; the errno or the fault behind it in *ret. */
static enum decide_end
wait_for_rule(struct session *s, const struct rules *rules, struct decision *ret)
{
	int64_t start = s->connection->via.length > 0 ? clock_ms() : s->start, now = start;
	int64_t deadline = clock_limit(start, s->settings->timeout_ms);
	struct evidence e = {
		.connection = s->connection,
		.timeout_ms = s->settings->timeout_ms,
		.undecided_next = s->settings->undecided_next,
	};
	bool shown = false;
	int r = s->connection->via.length > 0 ? 0 : sniff_now(&s->sniff);

	/* a client that went before its address could be asked for may have left bytes, and no rule could deny it by its address */
	if (r >= 0 && has_gone_unasked(s->connection))
		return DECIDE_CLIENT_RESET;
	for (;;) {
		struct awaited awaited;
		int64_t until = deadline;
		enum verdict v, header;

		if (r == -EINTR)
			return DECIDE_TERMINATED;
		if (r < 0 && r != -ETIMEDOUT) {
			ret->error = -r;
			return DECIDE_CLIENT_RESET;
		}
		if (s->sniff.ended && s->sniff.have == 0)
			return DECIDE_CLIENT;
		e.bytes = session_seen(s);
		e.quiet_ms = s->sniff.have == 0 ? now - start : 0;
		e.timed_out = now >= deadline;
		e.ended = s->sniff.ended;
		e.final = s->sniff.ended || s->sniff.blocked || now >= deadline || s->sniff.have == SNIFF_MAX;
		if (s->settings->verbose)
			tell_verdicts(s, rules, e);
		v = rules_pick(rules, &e, &s->readings, &s->rule, &awaited);
		/* a rule that denies by the address or port that the client connected to could not deny it */
		if (s->connection->local_error != 0) {
			s->rule = NULL;
			ret->error = -s->connection->local_error;
			return DECIDE_CLIENT_RESET;
		}
		header = v != PROBE_MORE ? has_unexpected_header(s) : PROBE_NO;
		if (header == PROBE_YES) {
			s->rule = NULL;
			ret->fault = PROXY_UNEXPECTED;
			return DECIDE_PROXY_HEADER;
		}
		if (v != PROBE_MORE && header == PROBE_MORE && !e.final)
			awaited = (struct awaited){ .quiet_ms = INT64_MAX };
		else if (v != PROBE_MORE) {
			s->unread = awaited.unread;
			return v == PROBE_YES ? DECIDE_RULE : s->unread != NULL ? DECIDE_UNDECIDED : DECIDE_NO_RULE;
		}
		if (s->sniff.have == 0 && awaited.quiet_ms < deadline - start)
			until = start + awaited.quiet_ms;
		if (!shown && now - start >= SESSION_SHOW_MS) {
			session_show_waiting(s);
			shown = true;
		}
		if (!shown && until - start > SESSION_SHOW_MS)
			until = start + SESSION_SHOW_MS;
		stop_prepare();
		r = sniff_wait(&s->sniff, awaited.want, until);
		now = clock_ms();
	}
}

void
decide(struct session *s, const struct rules *rules, struct decision *ret)
{
	ret->error = 0;
	ret->fault = PROXY_FINE;
	ret->failure[0] = '\0';
	ret->end = DECIDE_RULE;
	sniff_begin(&s->sniff, s->connection->fd, s->connection->family);
	if (networks_contain(&s->settings->accept_proxy, &s->connection->peer))
		ret->end = take_header(s, ret);
	if (ret->end == DECIDE_RULE)
		ret->end = wait_for_rule(s, rules, ret);
	sniff_end(&s->sniff, ret->end == DECIDE_RULE && s->rule->action.kind == ACTION_CONNECT);
	s->probe = readings_identify(&s->readings, s->rule != NULL ? rule_protocol(s->rule) : NULL, session_seen(s));
}

const char *
decide_end_name(enum decide_end end)
{
	switch (end) {
	case DECIDE_RULE:
		return "rule";
	case DECIDE_NO_RULE:
		return "no-rule";
	case DECIDE_UNDECIDED:
		return "undecided";
	case DECIDE_CLIENT:
		return "client";
	case DECIDE_CLIENT_RESET:
		return "client-reset";
	case DECIDE_TERMINATED:
		return "terminated";
	case DECIDE_PROXY_HEADER:
		return "proxy-header";
	case DECIDE_SYSTEM:
		break;
	}
	return "system";
}
