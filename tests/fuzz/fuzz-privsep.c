/* The message of the process that reads a client's bytes: what is taken of it is what there is, and points into it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "rule/grammar.h"
#include "serve/privsep.h"
#include "serve/storage.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct rules rules;
static struct storage storage;
static struct privsep_message message;

static void
expect(int holds)
{
	if (!holds)
		abort();
}

static void
begin(void)
{
	static const char *const lines[] = {
		"http host=a.example,b.example exec /bin/a", "http host=c.example from=127.0.0.0/8 reject", "port=1 close",
		"any close",
	};
	static struct settings settings;
	const char *reason;
	struct complaint complaint;

	settings_defaults(&settings);
	expect(settings_set(&settings, "accept-proxy", "unix", &reason) == 0);
	storage.session.settings = &settings;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect(grammar_line(&rules, &settings, NULL, 0, lines[i], &complaint) == 0);
	storage.connection.fd = -1;
	storage.session.connection = &storage.connection;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct session *s = &storage.session;
	const struct reading *r = &s->readings.reading;
	size_t used = length < sizeof(message) ? length : sizeof(message);
	struct decision d;

	if (rules.count == 0)
		begin();
	memset(&message, 0, sizeof(message));
	memcpy(&message, bytes, used);
	s->rule = NULL;
	s->unread = NULL;
	s->probe = NULL;
	storage.connection = (struct connection){ .fd = -1 };
	/* a client of a Unix socket, now and then */
	if (length > 0 && bytes[length - 1] & 1)
		storage.connection.peer = (struct address){ .length = sizeof(sa_family_t), .sa.sa_family = AF_UNIX };
	expect(privsep_take(&message, sizeof(message) - 1, s, &rules, &d) != NULL && d.end == DECIDE_SYSTEM);
	if (privsep_take(&message, sizeof(message), s, &rules, &d) != NULL) {
		expect(d.end == DECIDE_SYSTEM && s->rule == NULL && s->probe == NULL && r->count == 0);
		return 0;
	}
	expect(d.end < DECIDE_SYSTEM && d.error >= 0);
	expect((d.end == DECIDE_RULE || d.end == DECIDE_UNDECIDED) == (s->rule != NULL));
	expect((d.end == DECIDE_UNDECIDED) == (s->unread != NULL));
	expect(storage.connection.via.length == 0 || storage.connection.peer.length > 0);
	/* the client has no address, and our own cannot be asked for */
	expect(storage.connection.via.length > 0 || d.end != DECIDE_RULE || s->rule->number == 1 || s->rule->number == 4);
	for (size_t i = 0; i < r->count; i++)
		expect(s->probe != NULL && r->attribute[i].value.bytes >= (const uint8_t *)message.text &&
		    r->attribute[i].value.bytes + r->attribute[i].value.length <= (const uint8_t *)message.text + PRIVSEP_TEXT);
	return 0;
}
