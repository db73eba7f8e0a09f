#include "config.h"

#include "story.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

struct span
story_seen(const struct story *s)
{
	return span_of(s->sniff.bytes, s->sniff.have);
}

void
story_describe(struct story *s)
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
	if (s->backend.length > 0)
		logfmt_text(l, "backend", address_format(&s->backend, text));
}

void
story_conclude(struct story *s, int level, const char *end)
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
story_tell(struct story *s, const char *end)
{
	story_describe(s);
	story_conclude(s, LOG_INFO, end);
}

void
story_tell_relayed(struct story *s, const struct relay_result *r)
{
	bool failed = r->end == RELAY_END_SYSTEM;

	if (!log_wants(LOG_INFO))
		return;
	logfmt_number(&s->line, "bytes_in", r->bytes[RELAY_CLIENT]);
	logfmt_number(&s->line, "bytes_out", r->bytes[RELAY_BACKEND]);
	if (failed)
		logfmt_text(&s->line, "error", strerror(r->error));
	story_conclude(s, failed ? LOG_ERR : LOG_INFO, relay_end_name(r->end));
}
