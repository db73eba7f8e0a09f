#include "config.h"

#include "serve/session.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

void
session_show_waiting(struct session *s)
{
	char client[ADDRESS_TEXT];

	if (s->title != NULL)
		title_format(s->title, "usher: waiting for %s", address_format(&s->connection->peer, client));
}

struct span
session_seen(const struct session *s)
{
	return span_of(s->sniff.bytes, s->sniff.have);
}

void
session_describe(struct session *s)
{
	struct logfmt *l = &s->line;
	char text[ADDRESS_TEXT];

	if (!log_wants(LOG_INFO))
		return;
	logfmt_text(l, "client", address_format(&s->connection->peer, text));
	if (s->connection->via.length > 0)
		logfmt_text(l, "via", address_format(&s->connection->via, text));
	if (s->connection->name != NULL)
		logfmt_text(l, "socket", s->connection->name);
	probe_describe(l, s->probe, &s->readings.reading, s->sniff.have);
	if (s->rule == NULL) {
		logfmt_text(l, "rule", "none");
		return;
	}
	logfmt_number(l, "rule", s->rule->number);
	/* a rule that stayed undecided does nothing */
	if (s->unread != NULL)
		logfmt_text(l, "attribute", s->unread->name);
	else
		logfmt_text(l, "action", s->rule->action.text);
	if (s->backend.length > 0)
		logfmt_text(l, "backend", address_format(&s->backend, text));
	if (s->id[0] != '\0')
		logfmt_text(l, "id", s->id);
}

void
session_log_end(struct session *s, int level, const char *end)
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

void
session_log(struct session *s, const char *end)
{
	session_describe(s);
	session_log_end(s, LOG_INFO, end);
}

void
session_log_relayed(struct session *s, const struct relay_result *r)
{
	bool failed = r->end == RELAY_END_SYSTEM;

	if (!log_wants(LOG_INFO))
		return;
	logfmt_number(&s->line, "bytes_in", r->bytes[RELAY_CLIENT]);
	logfmt_number(&s->line, "bytes_out", r->bytes[RELAY_BACKEND]);
	if (failed)
		logfmt_text(&s->line, "error", strerror(r->error));
	session_log_end(s, failed ? LOG_ERR : LOG_INFO, relay_end_name(r->end));
}
