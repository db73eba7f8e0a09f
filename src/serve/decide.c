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

/* What has come of waiting; the errno behind it, or 0, in *ret_error. */
static enum decide_end
wait_for_rule(struct session *s, const struct rules *rules, int *ret_error)
{
	int64_t deadline = clock_limit(s->start, s->settings->timeout_ms), now = s->start;
	struct evidence e = {
		.connection = s->connection,
		.timeout_ms = s->settings->timeout_ms,
		.undecided_next = s->settings->undecided_next,
	};
	bool shown = false;
	int r = sniff_now(&s->sniff);

	/* a client that went before its address could be asked for may have left bytes, and no rule could deny it by its address */
	if (r >= 0 && has_gone_unasked(s->connection))
		return DECIDE_CLIENT_RESET;
	for (;;) {
		struct awaited awaited;
		int64_t until = deadline;
		enum verdict v;

		if (r == -EINTR)
			return DECIDE_TERMINATED;
		if (r < 0 && r != -ETIMEDOUT) {
			*ret_error = -r;
			return DECIDE_CLIENT_RESET;
		}
		if (s->sniff.ended && s->sniff.have == 0)
			return DECIDE_CLIENT;
		e.bytes = session_seen(s);
		e.quiet_ms = s->sniff.have == 0 ? now - s->start : 0;
		e.timed_out = now >= deadline;
		e.ended = s->sniff.ended;
		e.final = s->sniff.ended || s->sniff.blocked || now >= deadline || s->sniff.have == SNIFF_MAX;
		if (s->settings->verbose)
			tell_verdicts(s, rules, e);
		v = rules_pick(rules, &e, &s->readings, &s->rule, &awaited);
		/* a rule that denies by the address or port that the client connected to could not deny it */
		if (s->connection->local_error != 0) {
			s->rule = NULL;
			*ret_error = -s->connection->local_error;
			return DECIDE_CLIENT_RESET;
		}
		if (v != PROBE_MORE) {
			s->unread = awaited.unread;
			return v == PROBE_YES ? DECIDE_RULE : s->unread != NULL ? DECIDE_UNDECIDED : DECIDE_NO_RULE;
		}
		if (s->sniff.have == 0 && awaited.quiet_ms < deadline - s->start)
			until = s->start + awaited.quiet_ms;
		if (!shown && now - s->start >= SESSION_SHOW_MS) {
			session_show_waiting(s);
			shown = true;
		}
		if (!shown && until - s->start > SESSION_SHOW_MS)
			until = s->start + SESSION_SHOW_MS;
		stop_prepare();
		r = sniff_wait(&s->sniff, awaited.want, until);
		now = clock_ms();
	}
}

void
decide(struct session *s, const struct rules *rules, struct decision *ret)
{
	ret->error = 0;
	ret->failure[0] = '\0';
	sniff_begin(&s->sniff, s->connection->fd, s->connection->family);
	ret->end = wait_for_rule(s, rules, &ret->error);
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
	case DECIDE_SYSTEM:
		break;
	}
	return "system";
}
