#include "config.h"

#include "serve/announce.h"

#include <string.h>
#include <sys/random.h>

/* The one value of the attribute NAME that was read; empty where there is none, or are several. */
static struct span
only_value(const struct reading *reading, const char *name)
{
	struct span value = { 0 };

	for (size_t i = 0; i < reading->count; i++) {
		if (strcmp(reading->attribute[i].name, name) != 0)
			continue;
		if (value.length > 0)
			return (struct span){ 0 };
		value = reading->attribute[i].value;
	}
	return value;
}

/* A new id in S->id; none where the system has no random numbers yet. */
static void
make_id(struct session *s)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[(SESSION_ID - 1) / 2];

	if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		return;
	for (size_t i = 0; i < sizeof random; i++) {
		s->id[2 * i] = digits[random[i] >> 4];
		s->id[2 * i + 1] = digits[random[i] & 15];
	}
}

size_t
announce(struct session *s, enum proxy_version version, uint8_t header[PROXY_HEADER_MAX])
{
	struct proxy_header h = { .from = s->connection->peer, .to = *intake_local(s->connection) };

	if (version == PROXY_V2) {
		make_id(s);
		h.id = span_of(s->id, strlen(s->id));
		if (s->probe != NULL && strcmp(s->probe->name, "tls") == 0) {
			h.authority = only_value(&s->readings.reading, "sni");
			h.alpn = only_value(&s->readings.reading, "alpn");
		}
	}
	return proxy_header_format(&h, version, header);
}
