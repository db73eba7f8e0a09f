#include "config.h"

#include <arpa/inet.h>
#include <errno.h>

#include "fixture.h"
#include "rule/grammar.h"
#include "rule/settings.h"
#include "rule/glob.h"
#include "rule/rule.h"
#include "net/sniff.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rules rules;

/* What is known of the connection, for all cases to vary. */
static struct {
	struct connection connection;
	struct evidence evidence;
	struct readings readings;
	uint8_t scratch[SNIFF_MAX];
	const struct rule *rule;
	struct awaited awaited;
} now;

/* Begin with the rules in TEXT, one a line. */
static void
begin(const char *text)
{
	struct settings settings;
	struct complaint complaint;
	char line[2048];

	settings_defaults(&settings);
	rules_clear(&rules);
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		if (grammar_line(&rules, &settings, NULL, 0, line, &complaint) != 0)
			die("%s", complaint.text);
		text += n + (text[n] == '\n');
	}
	memset(&now.connection, 0, sizeof(now.connection));
	now.connection.fd = -1;
	memset(&now.evidence, 0, sizeof(now.evidence));
	now.evidence.connection = &now.connection;
	now.evidence.timeout_ms = settings.timeout_ms;
	memset(&now.readings, 0, sizeof(now.readings));
	now.readings.scratch = now.scratch;
	now.readings.scratch_size = sizeof(now.scratch);
}

static enum verdict
pick(void)
{
	now.rule = NULL;
	now.awaited = (struct awaited){ .want = SIZE_MAX, .quiet_ms = INT64_MAX };
	return rules_pick(&rules, &now.evidence, &now.readings, &now.rule, &now.awaited);
}

/* Pick with LENGTH bytes in a block of that size, so that a read beyond them is seen. */
static enum verdict
pick_bytes(const void *bytes, size_t length, bool final)
{
	uint8_t *copy = malloc(length);
	enum verdict v;

	if (copy == NULL && length > 0)
		die("malloc failed");
	if (length > 0)
		memcpy(copy, bytes, length);
	now.evidence.bytes = span_of(copy, length);
	now.evidence.ended = final && !now.evidence.timed_out;
	now.evidence.final = final;
	v = pick();
	now.evidence.bytes = span_of("", 0);
	/* a reading points into what we are about to free */
	now.readings.probe = NULL;
	free(copy);
	return v;
}

/* "1", "2", ... the rule that decides, "more", "no" */
static const char *
decision(enum verdict v)
{
	static char text[16];

	if (v == PROBE_YES)
		snprintf(text, sizeof(text), "%u", now.rule != NULL ? now.rule->number : 0);
	return v == PROBE_YES ? text : v == PROBE_MORE ? "more" : "no";
}

static const char *
decide(const char *text, bool final)
{
	return decision(pick_bytes(text, strlen(text), final));
}

/* Rules, what came, and who decides while more may come and when it cannot. */
static void
test_decisions(void)
{
	static const struct {
		const char *rules, *bytes, *now, *at_the_end;
	} cases[] = {
		{ "any close", "", "1", "1" },
		{ "any close", "x", "1", "1" },
		{ "ssh close", "", "more", "no" },
		{ "ssh close", "SS", "more", "no" },
		{ "ssh close", "SSH-", "1", "1" },
		{ "ssh close", "SX", "no", "no" },
		{ "ssh close\nany close", "", "more", "2" },
		{ "ssh close\nany close", "S", "more", "2" },
		{ "ssh close\nany close", "G", "2", "2" },
		{ "ssh close\nany close", "SSH-2", "1", "1" },
		{ "any close\nssh close", "SSH-2", "1", "1" },
		/* a rule that holds waits for earlier ones that still may */
		{ "bytes=414243 close\nbytes=41 close", "A", "more", "2" },
		{ "bytes=414243 close\nbytes=41 close", "AB", "more", "2" },
		{ "bytes=414243 close\nbytes=41 close", "ABC", "1", "1" },
		{ "bytes=414243 close\nbytes=41 close", "AC", "2", "2" },
		{ "bytes=41 close\nbytes=414243 close", "A", "1", "1" },
		{ "bytes=41 close\nbytes=42 close", "C", "no", "no" },
		/* all conditions must hold */
		{ "bytes=41 bytes=42@1 close", "A", "more", "no" },
		{ "bytes=41 bytes=42@1 close", "AB", "1", "1" },
		{ "bytes=41 bytes=42@1 close", "AC", "no", "no" },
		{ "bytes=42@1 bytes=41 close", "B", "no", "no" },
		/* negation */
		{ "!ssh close", "", "more", "1" },
		{ "!ssh close", "G", "1", "1" },
		{ "!ssh close", "SSH-", "no", "no" },
		{ "!ssh !text=GET close", "GET ", "no", "no" },
		{ "!ssh !text=GET close", "PUT ", "1", "1" },
		{ "!any close", "", "no", "no" },
		{ "!any close\nany close", "x", "2", "2" },
		{ "ssh !text=SSH-1 close", "SSH-2", "1", "1" },
		{ "ssh !text=SSH-1 close", "SSH-1", "no", "no" },
		{ "ssh !text=SSH-1 close", "SSH-", "more", "1" },
		/* bytes and text */
		{ "bytes=4? close", "", "more", "no" },
		{ "bytes=4? close", "A", "1", "1" },
		{ "bytes=4? close", "Q", "no", "no" },
		{ "bytes=?1 close", "Q", "1", "1" },
		{ "bytes=?1 close", "R", "no", "no" },
		{ "bytes=?? close", "", "more", "no" },
		{ "bytes=?? close", "z", "1", "1" },
		{ "bytes=41@3 close", "xyz", "more", "no" },
		{ "bytes=41@3 close", "xyzA", "1", "1" },
		{ "bytes=41@3 close", "xyzB", "no", "no" },
		{ "text=\"*2\\r\" close", "*2", "more", "no" },
		{ "text=\"*2\\r\" close", "*2\r", "1", "1" },
		{ "text=get close", "GET", "no", "no" },
		{ "text=\"b\"@1 close", "ab", "1", "1" },
		/* lists: YES as soon as one matches, NO as soon as none can */
		{ "bytes=4142,43 close", "", "more", "no" },
		{ "bytes=4142,43 close", "A", "more", "no" },
		{ "bytes=4142,43 close", "C", "1", "1" },
		{ "bytes=4142,43 close", "D", "no", "no" },
		{ "bytes=4142,43 close", "AC", "no", "no" },
		{ "bytes=4142,43 close", "AB", "1", "1" },
		{ "bytes=414243,41 close", "A", "1", "1" },
		{ "bytes=41@2,42 close", "xy", "more", "no" },
		{ "bytes=41@2,42 close", "B", "1", "1" },
		{ "bytes=41@2,42 close", "xyA", "1", "1" },
		{ "bytes=41@2,42 close", "xyB", "no", "no" },
		{ "bytes=4?,5? close", "Q", "1", "1" },
		{ "text=GET,\"P,\",SSH close", "P", "more", "no" },
		{ "text=GET,\"P,\",SSH close", "P,", "1", "1" },
		{ "text=GET,\"P,\",SSH close", "PO", "no", "no" },
		{ "text=GET,\"P,\",SSH close", "SSH", "1", "1" },
		{ "!bytes=41,4243 close", "A", "no", "no" },
		{ "!bytes=41,4243 close", "B", "more", "1" },
		{ "!bytes=41,4243 close", "BC", "no", "no" },
		{ "!bytes=41,4243 close", "BD", "1", "1" },
		{ "!bytes=41,4243 close", "C", "1", "1" },
		{ "bytes=4142,4344 bytes=42@1 close", "A", "more", "no" },
		{ "bytes=4142,4344 bytes=42@1 close", "CD", "no", "no" },
		{ "bytes=4142,4344 bytes=42@1 close", "AB", "1", "1" },
		/* regular expressions */
		{ "regex=^GET close", "", "more", "no" },
		{ "regex=^GET close", "GE", "more", "no" },
		{ "regex=^GET close", "GX", "no", "no" },
		{ "regex=^GET close\nany close", "S", "2", "2" },
		{ "regex='^GET|S' close\nany close", "x", "more", "2" },
		{ "!regex=^GET close", "S", "1", "1" },
		{ "regex='^GE*T' close\nany close", "GX", "more", "2" },
		{ "regex='^GE*T' close\nany close", "X", "2", "2" },
		{ "regex=^GET close", "GET /", "1", "1" },
		{ "regex=GET close", "xGETx", "1", "1" },
		{ "regex='^GET$' close", "GET", "more", "1" },
		{ "regex='^GET$' close", "GET /", "more", "no" },
		{ "!regex='^GET$' close", "GET", "more", "no" },
		{ "!regex='^GET$' close", "GET /", "more", "1" },
		{ "regex='a.b' close", "a\nb", "1", "1" },
		{ "regex='^(a|b)+c' close", "ababc", "1", "1" },
		{ "regex='^$' close", "", "more", "1" },
		{ "regex='[^[:print:]]' close", "ab\x80", "1", "1" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char name[128];

		snprintf(name, sizeof(name), "%.60s | %.20s", cases[i].rules, cases[i].bytes);
		for (char *c = name; *c != '\0'; c++)
			if (*c < ' ' || *c > '~')
				*c = ' ';
		begin(cases[i].rules);
		is_str(decide(cases[i].bytes, false), cases[i].now, "case %zu: %s", i, name);
		is_str(decide(cases[i].bytes, true), cases[i].at_the_end, "case %zu at the end of input", i);
	}
}

/* What was decided on some bytes must be decided on more, whatever they are: no rule may come too early. */
static void
test_final(void)
{
	static const char *const sets[] = {
		"ssh close\nhttp close\ntls close\nany close",
		"text=GE close\ntext=GET close\n!text=G close",
		"regex='^GET .*$' close\nbytes=47 close\nregex='^S' close",
		"!regex='H' close\nhttp path=/a* close\nhttp close",
		"http host=a.example close\n!http close\nhttp close",
		"text=GET,SSH- close\n!bytes=47455820,47455c close\nbytes=0a@5,480a@3 close\n!text=HG,S close",
		"bytes=0a@5 !regex='x$' close\nregex='^[A-Z]+ /' close\nany close",
	};
	static const char *const inputs[] = {
		"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n", "SSH-2.0-x\r\n", "GEX\n\n\n\n", "\n\n\n\n\n\nx", "HGET x",
	};
	int changed = 0;

	for (size_t s = 0; s < COUNT(sets); s++) {
		for (size_t i = 0; i < COUNT(inputs); i++) {
			char decided[16] = "more", last[16];

			begin(sets[s]);
			for (size_t n = 0; n <= strlen(inputs[i]); n++) {
				snprintf(last, sizeof(last), "%s", decision(pick_bytes(inputs[i], n, false)));
				if (strcmp(decided, "more") != 0 && strcmp(decided, last) != 0)
					printf("# set %zu, input %zu, %zu bytes: %s became %s\n", s, i, n, decided, last);
				changed += strcmp(decided, "more") != 0 && strcmp(decided, last) != 0;
				snprintf(decided, sizeof(decided), "%s", last);
			}
			snprintf(last, sizeof(last), "%s", decision(pick_bytes(inputs[i], strlen(inputs[i]), true)));
			changed += strcmp(decided, "more") != 0 && strcmp(decided, last) != 0;
		}
	}
	is_int(changed, 0, "a decision is final");
}

/* While undecided, it is said what to wait for, and with less than that nothing changes. */
static void
test_awaited(void)
{
	static const struct {
		const char *rules, *bytes;
		size_t least, most;	/* of total bytes to wait for */
	} cases[] = {
		{ "bytes=41@9 close", "x", 10, 10 },
		{ "text=ABC close", "", 1, 1 },
		{ "bytes=41@9 close\nbytes=42@4 close", "x", 5, 5 },
		{ "bytes=41@9 close\nssh close", "", 1, 1 },
		{ "regex=GET close", "x", 2, 2 },
		{ "regex=^GET close", "G", 2, 2 },
		{ "regex=GET close\nbytes=41@9 close", "x", 2, 2 },
		{ "bytes=??????@3 close", "x", 4, 6 },
		/* what is next makes no list NO while a pattern of it waits for later bytes */
		{ "text=ABC,DEF close", "", 1, 1 },
		{ "text=ABC,DEF close", "A", 2, 2 },
		{ "text=ABC,D close", "A", 2, 2 },
		{ "bytes=41@9,4243 close", "", 2, 2 },
		{ "bytes=41@9,4243 close", "B", 2, 2 },
		{ "bytes=41@9,4243 close", "C", 10, 10 },
		{ "bytes=41@9,42434445 close", "B", 4, 4 },
		{ "bytes=41@9,424344@8 close", "B", 10, 10 },
		{ "bytes=4142@9,4344@7 close", "x", 9, 9 },
		{ "bytes=41@9,43@5 bytes=42@3 close", "x", 4, 4 },
		{ "!bytes=41@9,43@5 close", "x", 6, 6 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		is_str(decide(cases[i].bytes, false), "more", "case %zu is undecided", i);
		ok(now.awaited.want >= cases[i].least && now.awaited.want <= cases[i].most, "undecided until %zu bytes are there",
		    now.awaited.want);
		is_int(now.awaited.quiet_ms, INT64_MAX, "undecided by bytes: silence changes nothing");
	}
}

/*
 * A list says on every beginning of every input what its patterns say each in a rule of its own, and what it waits for is enough:
 * with fewer bytes than that it still says MORE, whatever they are.
 */
static void
test_lists(void)
{
	static const char *const lists[][4] = {
		{ "474554", "504f53", "5353482d", NULL }, { "47", "4745", "474554", NULL }, { "474554", "47", NULL },
		{ "54@2", "5353", "0a@7", NULL }, { "4?45", "5?5?5?", "??41@1", NULL }, { "4745@1", "47@4", NULL },
	};
	static const char *const inputs[] = { "GET / x\n", "POST", "SSH-2.0", "PO\n\n\n\n\n\n", "\x16\x03\x01", "xGEAG", "GEXGG",
	    "SAAAAAA\n" };
	int wrong = 0, early = 0;

	for (size_t l = 0; l < COUNT(lists); l++)
		for (size_t i = 0; i < COUNT(inputs); i++) {
			size_t want = 0;

			for (size_t n = 0; n <= strlen(inputs[i]); n++) {
				enum verdict any = PROBE_NO, v;
				char line[128] = "bytes=", one[64];

				for (size_t p = 0; lists[l][p] != NULL; p++) {
					snprintf(one, sizeof(one), "bytes=%s close", lists[l][p]);
					begin(one);
					v = pick_bytes(inputs[i], n, false);
					any = v == PROBE_YES || any == PROBE_YES ? PROBE_YES : v == PROBE_MORE ? v : any;
					snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s", p > 0 ? "," : "",
					    lists[l][p]);
				}
				snprintf(line + strlen(line), sizeof(line) - strlen(line), " close");
				begin(line);
				v = pick_bytes(inputs[i], n, false);
				wrong += v != any;
				early += n < want && v != PROBE_MORE;
				early += v == PROBE_MORE && now.awaited.want <= n;
				want = v == PROBE_MORE ? now.awaited.want : 0;
			}
		}
	is_int(wrong, 0, "a list says what its patterns say");
	is_int(early, 0, "and what it waits for is enough");
}

static void
test_silence(void)
{
	static const struct {
		const char *rules, *bytes;
		int64_t quiet_ms;
		const char *decided;
		int64_t until;		/* INT64_MAX: silence changes nothing */
	} cases[] = {
		{ "silent=300ms close", "", 0, "more", 300 },
		{ "silent=300ms close", "", 299, "more", 300 },
		{ "silent=300ms close", "", 300, "1", 0 },
		{ "silent=300ms close", "", 1000, "1", 0 },
		{ "silent=300ms close", "x", 300, "no", 0 },
		{ "silent close", "", 2999, "more", 3000 },
		{ "silent close", "", 3000, "1", 0 },
		{ "silent=300ms close\nsilent=1s close", "", 0, "more", 300 },
		{ "silent=1s close\nsilent=300ms close", "", 0, "more", 300 },
		{ "ssh close\nsilent=300ms close", "", 0, "more", 300 },
		{ "ssh close\nsilent=300ms close", "", 300, "2", 0 },
		{ "ssh close\nsilent=300ms close", "S", 300, "more", INT64_MAX },
		{ "silent=300ms close\nany close", "", 0, "more", 300 },
		{ "silent=300ms close\nany close", "x", 0, "2", 0 },
		{ "any close\nsilent=300ms close", "", 0, "1", 0 },
		{ "!silent=300ms close", "", 300, "no", 0 },
		{ "!silent=300ms close", "x", 0, "1", 0 },
		{ "silent=300ms from=192.0.2.0/24 close", "", 300, "no", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		now.evidence.quiet_ms = cases[i].quiet_ms;
		is_str(decide(cases[i].bytes, false), cases[i].decided, "case %zu of silence", i);
		if (strcmp(cases[i].decided, "more") == 0) {
			is_int(now.awaited.quiet_ms, cases[i].until, "silence: it is told until when to wait");
			ok(now.awaited.want == strlen(cases[i].bytes) + 1, "silence: it is told to wait for one byte more");
		}
	}
	/* at the client's end of file, and at the timeout, who was silent for less was not silent for so long */
	begin("silent=300ms close\nany reject");
	now.evidence.quiet_ms = 10;
	is_str(decide("", true), "2", "an end is not silence");
}

static void
test_addresses(void)
{
	static const struct {
		const char *rules, *peer, *local, *decided;
	} cases[] = {
		{ "from=10.0.0.0/8 close", "10.1.2.3", "192.0.2.1", "1" },
		{ "from=10.0.0.0/8 close", "11.1.2.3", "192.0.2.1", "no" },
		{ "from=10.0.0.0/8 close", "::ffff:10.1.2.3", "192.0.2.1", "1" },
		{ "from=10.0.0.0/8 close", "2001:db8::1", "2001:db8::2", "no" },
		{ "from=192.0.2.1,2001:db8::/32 close", "2001:db8::1", "2001:db8::2", "1" },
		{ "!from=10.0.0.0/8 close", "2001:db8::1", "2001:db8::2", "1" },
		{ "!from=10.0.0.0/8 close", "10.1.2.3", "192.0.2.1", "no" },
		{ "!from=10.0.0.0/8 close", NULL, NULL, "1" },
		{ "from=0.0.0.0/0,::/0 close", NULL, NULL, "no" },
		{ "to=192.0.2.1 close", "10.1.2.3", "192.0.2.1", "1" },
		{ "to=192.0.2.2 close", "10.1.2.3", "192.0.2.1", "no" },
		{ "port=443 close", "10.1.2.3", "192.0.2.1", "1" },
		{ "port=80,443 close", "10.1.2.3", "192.0.2.1", "1" },
		{ "port=80,444 close", "10.1.2.3", "192.0.2.1", "no" },
		{ "!port=443 close", "10.1.2.3", "192.0.2.1", "no" },
		{ "port=51234 close", "10.1.2.3", "192.0.2.1", "no" },
		{ "port=443 close", NULL, NULL, "no" },
		{ "from=10.0.0.0/8 port=443 ssh close\nany reject", "10.1.2.3", "192.0.2.1", "more" },
		{ "from=10.0.0.0/8 port=444 ssh close\nany reject", "10.1.2.3", "192.0.2.1", "2" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		if (cases[i].peer != NULL && (address_from_text(cases[i].peer, "51234", &now.connection.peer) != 0 ||
		    address_from_text(cases[i].local, "443", &now.connection.local) != 0))
			die("%s", cases[i].peer);
		is_str(decide("", false), cases[i].decided, "%s, from %s", cases[i].rules,
		    cases[i].peer != NULL ? cases[i].peer : "nowhere");
	}
}

/* A ClientHello of TLS 1.3 with a name and two protocols: as small as can be. */
static size_t
make_hello(uint8_t *bytes, const char *sni, const char *alpn)
{
	size_t name = strlen(sni), protocol = strlen(alpn), n = 0, record, extensions;
	const uint8_t head[] = { 22, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3 };

	memcpy(bytes, head, sizeof(head));
	n = sizeof(head);
	memset(bytes + n, 'r', 32);
	n += 32;
	bytes[n++] = 0;					/* session */
	memcpy(bytes + n, "\0\2\x13\1\1\0", 6);		/* a cipher suite, no compression */
	n += 6;
	extensions = n;
	n += 2;
	memcpy(bytes + n, "\0\0", 2);
	bytes[n + 2] = 0;
	bytes[n + 3] = (uint8_t)(name + 5);
	bytes[n + 4] = 0;
	bytes[n + 5] = (uint8_t)(name + 3);
	bytes[n + 6] = 0;
	bytes[n + 7] = 0;
	bytes[n + 8] = (uint8_t)name;
	memcpy(bytes + n + 9, sni, name);
	n += 9 + name;
	memcpy(bytes + n, "\0\x10\0", 3);
	bytes[n + 3] = (uint8_t)(protocol + 3);
	bytes[n + 4] = 0;
	bytes[n + 5] = (uint8_t)(protocol + 1);
	bytes[n + 6] = (uint8_t)protocol;
	memcpy(bytes + n + 7, alpn, protocol);
	n += 7 + protocol;
	bytes[extensions] = 0;
	bytes[extensions + 1] = (uint8_t)(n - extensions - 2);
	record = n - 5;
	bytes[3] = (uint8_t)(record >> 8);
	bytes[4] = (uint8_t)record;
	bytes[7] = (uint8_t)((record - 4) >> 8);
	bytes[8] = (uint8_t)(record - 4);
	return n;
}

static void
test_attributes(void)
{
	static const struct {
		const char *rules, *decided;
	} cases[] = {
		{ "tls sni=git.example.org close", "1" },
		{ "tls sni=GIT.Example.ORG close", "1" },
		{ "tls sni=git.example.net close", "no" },
		{ "tls sni=a.example,git.example.org close", "1" },
		{ "tls sni=*.example.org close", "1" },
		{ "tls sni=*.org close", "1" },
		{ "tls sni=*git.example.org close", "no" },
		{ "tls sni=example.org close", "no" },
		{ "tls !sni=git.example.org close\nany close", "2" },
		{ "tls !sni=www.example.org close\nany close", "1" },
		{ "tls alpn=h2 close", "1" },
		{ "tls alpn=H2 close", "no" },
		{ "tls alpn=h* close", "1" },
		{ "tls alpn=http/1.1 close", "no" },
		{ "tls sni=git.example.org alpn=h2 close", "1" },
		{ "tls sni=git.example.org alpn=h3 close\ntls close", "2" },
		{ "tls sni=a.example close\ntls sni=b.example close\ntls close", "3" },
		{ "ssh version=2.0 close\ntls version=* close\nany close", "2" },
	};
	uint8_t hello[512];
	size_t length = make_hello(hello, "git.example.org", "h2");

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		is_str(decision(pick_bytes(hello, length, false)), cases[i].decided, "%s", cases[i].rules);
	}
	/* a rule that asks for a name waits for it; one that asks for the protocol alone does not */
	begin("tls sni=git.example.org close");
	is_str(decision(pick_bytes(hello, 20, false)), "more", "half a hello: the name has not come");
	is_str(decision(pick_bytes(hello, 20, true)), "no", "half a hello at the end: no rule holds");
	begin("tls close");
	is_str(decision(pick_bytes(hello, 6, false)), "1", "a rule of the protocol alone does not need the name");
	begin("tls !sni=git.example.org close\nany reject");
	is_str(decision(pick_bytes(hello, 20, false)), "more", "a name that has not come is not absent");
}

/* What cannot be read holds up the rules after it, at the end, too: a rule that denies must not be passed by holding back. */
static void
test_undecided(void)
{
	static const struct {
		const char *rules, *at_the_end, *next;
		unsigned undecided;	/* the rule, 0: none */
	} cases[] = {
		{ "tls sni=admin.example reject\ntls close", "no", "2", 1 },
		{ "tls sni=admin.example reject\nany close", "no", "2", 1 },
		{ "ssh close\ntls alpn=h2 reject\ntls close", "no", "3", 2 },
		{ "tls !sni=a.example reject\ntls close", "no", "2", 1 },
		{ "tls close\ntls sni=admin.example reject", "1", "1", 0 },
		/* another condition that does not hold, for good, refuses all the same */
		{ "tls sni=admin.example from=10.0.0.0/8 reject\ntls close", "2", "2", 0 },
		{ "tls from=10.0.0.0/8 sni=admin.example reject\ntls close", "2", "2", 0 },
		{ "tls sni=admin.example bytes=17 reject\ntls close", "2", "2", 0 },
		/* one that only has not come does not */
		{ "tls sni=admin.example bytes=17@300 reject\ntls close", "no", "2", 1 },
		{ "tls bytes=17@300 sni=admin.example reject\ntls close", "no", "2", 1 },
		{ "tls bytes=17@300 reject\ntls close", "2", "2", 0 },
		{ "tls sni=admin.example !bytes=17@300 reject\ntls close", "no", "2", 1 },
		{ "tls sni=a reject\ntls close\nstalled close", "no", "2", 1 },
		{ "http host=a reject\nany close", "2", "2", 0 },
	};
	uint8_t hello[512];

	make_hello(hello, "git.example.org", "h2");
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		is_str(decision(pick_bytes(hello, 60, true)), cases[i].at_the_end, "undecided case %zu at the end of input", i);
		if (cases[i].undecided == 0)
			ok(now.awaited.unread == NULL, "undecided case: nothing is left undecided");
		else
			ok(now.awaited.unread != NULL && now.rule != NULL && now.rule->number == cases[i].undecided,
			    "because rule %u is undecided", cases[i].undecided);
		begin(cases[i].rules);
		now.evidence.undecided_next = true;
		is_str(decision(pick_bytes(hello, 60, true)), cases[i].next, "undecided case %zu with undecided next", i);
	}
	begin("tls sni=admin.example reject\ntls close");
	is_str(decision(pick_bytes(hello, 60, false)), "more", "an attribute that can still come is waited for");
	is_str(decision(pick_bytes(hello, 5, true)), "no", "what only may be TLS is none at the end of input");
	ok(now.rule == NULL && now.awaited.unread == NULL, "what only may be TLS leaves nothing undecided at the end of input");
	begin("http host=admin.example reject\nhttp close");
	is_str(decide("GET / HTTP/1.1\r\nX: y\r\n", true), "no", "a Host header that is late: no rule holds");
	is_str(now.awaited.unread != NULL ? now.awaited.unread->name : "", "host",
	    "a Host header that is late is what was not read");
	is_str(decide("GET / HTTP/1.1\r\nX: y\r\n\r\n", true), "2", "a Host header that is absent decides");
}

static void
test_needs(void)
{
	static const struct {
		const char *rules;
		unsigned needs;
	} cases[] = {
		{ "any reject", 0 },
		{ "http reply no\nany close", 0 },
		{ "any exec /bin/true", RULES_EXECUTE },
		{ "any connect 127.0.0.1:1", RULES_TCP },
		{ "any connect [::1]:1", RULES_TCP },
		{ "any connect unix:/a", RULES_PATH },
		{ "any connect unix:@a", RULES_ABSTRACT },
		{ "any connect vsock:2:1", RULES_VSOCK },
		{ "any connect a.example:1", RULES_RESOLVE | RULES_TCP },
		{ "ssh exec /bin/true\nhttp connect 127.0.0.1:1,unix:/a\nany reject", RULES_EXECUTE | RULES_TCP | RULES_PATH },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		is_int(rules_need(&rules), cases[i].needs, "what acting takes: %s", cases[i].rules);
	}
}

/* A list that was cut says nothing of what it does not have; no byte that comes changes that. */
static enum verdict
parse_cut(struct span in, struct reading *r)
{
	(void)in;
	reading_add(r, "list", span_of("one", 3));
	r->complete = true;
	r->partial = true;
	return PROBE_YES;
}

static void
test_partial(void)
{
	static const struct probe cut = { .name = "cut", .parse = parse_cut, .attributes = {
		{ "list", ATTRIBUTE_TEXT }, { "other", ATTRIBUTE_TEXT },
	} };
	static char one[] = "one", two[] = "two";
	char *globs[] = { two, NULL };
	struct condition c = { .kind = CONDITION_ATTRIBUTE, .probe = &cut, .attribute = &cut.attributes[0], .globs = globs }, *read;

	begin("any reject\nany close");
	read = rules.first->conditions;
	rules.first->conditions = &c;
	is_str(decide("x", false), "no", "a list that was cut, without the value: no rule holds");
	ok(now.rule == rules.first && now.awaited.unread == &cut.attributes[0],
	    "a list that was cut, without the value, leaves the rule undecided at once");
	c.negated = true;
	is_str(decide("x", false), "no", "a value of a list that was cut is not absent");
	now.evidence.undecided_next = true;
	is_str(decide("x", false), "2", "undecided next: a list that was cut leads to the next rule at once");
	now.evidence.undecided_next = false;
	c.negated = false;
	globs[0] = one;
	is_str(decide("x", false), "1", "a value that is in a list that was cut holds");
	c.negated = true;
	is_str(decide("x", false), "2", "the negation of a value that is in a list that was cut does not hold");
	rules.first->conditions = read;
}

/* stalled: what came, or did not, until the timeout leaves an earlier rule without a verdict. */
static void
test_stalled(void)
{
	static const struct {
		const char *rules, *bytes, *now, *at_the_timeout, *at_the_end;
	} cases[] = {
		{ "stalled close", "", "more", "1", "no" },
		{ "stalled close", "x", "no", "no", "no" },
		{ "ssh close\nstalled close\nany reject", "", "more", "2", "3" },
		{ "ssh close\nstalled close\nany reject", "SS", "more", "2", "3" },
		{ "ssh close\nstalled close\nany reject", "SSH-", "1", "1", "1" },
		{ "ssh close\nstalled close\nany reject", "x", "3", "3", "3" },
		{ "ssh close\nstalled from=10.0.0.0/8 close\nany reject", "SS", "more", "3", "3" },
		{ "stalled close\nssh reject", "SSH-", "2", "2", "2" },
		{ "ssh close\nany reject\nstalled close", "SS", "more", "2", "2" },
		{ "ssh close\nsilent=1s reject\nstalled close", "SS", "more", "3", "no" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		is_str(decide(cases[i].bytes, false), cases[i].now, "case %zu of stalled", i);
		is_str(decide(cases[i].bytes, true), cases[i].at_the_end, "stalled: the client's end is not the timeout");
		now.evidence.timed_out = true;
		is_str(decide(cases[i].bytes, true), cases[i].at_the_timeout, "stalled: the timeout decides");
	}
}

/* Every beginning of a hello: undecided until the name is there, and then the same for ever. */
static void
test_attribute_finality(void)
{
	uint8_t hello[512];
	size_t length = make_hello(hello, "git.example.org", "h2"), wrong = 0;
	char last[16] = "more";

	begin("tls sni=git.example.org alpn=h2 close\ntls close");
	for (size_t n = 0; n <= length; n++) {
		const char *d = decision(pick_bytes(hello, n, false));

		wrong += strcmp(last, "more") != 0 && strcmp(last, d) != 0;
		wrong += strcmp(d, "2") == 0;
		if (strcmp(d, "more") == 0)
			wrong += now.awaited.want <= n || now.awaited.want > length;
		snprintf(last, sizeof(last), "%s", d);
	}
	is_int((long long)wrong, 0, "no beginning of a request decides otherwise than all of it");
	is_str(last, "1", "all of a request decides");
}

/* A regular expression sees so many bytes and no more. */
static void
test_regex_window(void)
{
	static char bytes[REGEX_WINDOW + 100];

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes + REGEX_WINDOW - 3, "END", 3);
	begin("regex=END close");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW - 1, false)), "more",
	    "regex at the end of its window: undecided while a byte is missing");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW, false)), "1", "regex at the end of its window holds");
	is_str(decision(pick_bytes(bytes, sizeof(bytes), false)), "1", "regex at the end of its window holds when more bytes come");
	begin("regex='END$' close");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW, false)), "1", "regex with $: the end of the window is an end");
	is_str(decision(pick_bytes(bytes, sizeof(bytes), false)), "1",
	    "regex with $: the end of the window stays one when more bytes come");
	memcpy(bytes + REGEX_WINDOW - 3, "xEND", 4);
	begin("regex=END close");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW - 1, false)), "more",
	    "regex beyond its window: undecided while a byte is missing");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW, false)), "no", "regex beyond its window does not hold");
	is_str(decision(pick_bytes(bytes, sizeof(bytes), false)), "no",
	    "regex beyond its window does not hold when more bytes come");
	/* NUL ends what is seen */
	begin("regex='ab$' close");
	is_str(decision(pick_bytes("ab\0cd", 5, false)), "1", "regex holds up to a NUL");
	begin("regex='cd' close");
	is_str(decision(pick_bytes("ab\0cd", 5, false)), "no", "regex does not hold behind a NUL");
}

static void
test_glob(void)
{
	static const struct {
		const char *glob, *value;
		bool plain, host;
	} cases[] = {
		{ "", "", true, true },
		{ "a", "", false, false },
		{ "", "a", false, false },
		{ "a", "a", true, true },
		{ "a", "A", false, true },
		{ "A", "a", false, true },
		{ "a", "b", false, false },
		{ "ab", "a", false, false },
		{ "a", "ab", false, false },
		{ "?", "a", true, true },
		{ "?", "", false, false },
		{ "?", "ab", false, false },
		{ "*", "", true, false },
		{ "*", "a", true, true },
		{ "*", "a.b.c", true, true },
		{ "**", "a", true, false },
		{ "**", "ab", true, true },
		{ "a*", "a", true, false },
		{ "a*", "ab", true, true },
		{ "*a", "a", true, false },
		{ "*a", "ba", true, true },
		{ "*a", "aab", false, false },
		{ "a*c", "ac", true, false },
		{ "a*c", "abc", true, true },
		{ "a*c", "abcbc", true, true },
		{ "a*c", "abcb", false, false },
		{ "a*b*c", "aXbXc", true, true },
		{ "a*b*c", "abbc", true, false },
		{ "a*b*c", "abXXbc", true, false },
		{ "a*b*c", "aXbbc", true, true },
		{ "*.example.org", "a.example.org", true, true },
		{ "*.example.org", "a.b.example.org", true, true },
		{ "*.example.org", "example.org", false, false },
		{ "*.example.org", ".example.org", true, false },
		{ "*.example.org", "aexample.org", false, false },
		{ "*.example.org", "A.EXAMPLE.ORG", false, true },
		{ "*.example.org", "a.example.org.", false, true },
		{ "a.example", "a.example.", false, true },
		{ "a.example", "a.example..", false, false },
		{ "*.example.org", "a.example.org.evil", false, false },
		{ "www.*.org", "www.example.org", true, true },
		{ "www.*.org", "www..org", true, false },
		{ ".", ".", true, true },
		{ "/a/*", "/a/", true, false },
		{ "/a/*", "/a/b/c", true, true },
		{ "[a]", "a", false, false },
		{ "[a]", "[a]", true, true },
		{ "\\*", "*", false, false },
	};
	char many[64];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct span value = span_of(cases[i].value, strlen(cases[i].value));

		is_int(glob_matches(cases[i].glob, value, ATTRIBUTE_TEXT), cases[i].plain, "the glob \"%s\" and \"%s\"",
		    cases[i].glob, cases[i].value);
		is_int(glob_matches(cases[i].glob, value, ATTRIBUTE_HOST), cases[i].host, "the same glob for host names");
	}
	ok(glob_matches("web*", span_of("WebSocket", 9), ATTRIBUTE_ANY_CASE) &&
	    glob_matches("H2C", span_of("h2c", 3), ATTRIBUTE_ANY_CASE) &&
	    !glob_matches("h2c", span_of("h2c.", 4), ATTRIBUTE_ANY_CASE) &&
	    glob_matches("*h2c", span_of("h2c", 3), ATTRIBUTE_ANY_CASE),
	    "of ATTRIBUTE_ANY_CASE nothing but case is different");
	ok(glob_matches("a?c", span_of("a\0c", 3), ATTRIBUTE_TEXT), "a NUL in a value matches a ?");
	ok(!glob_matches("a", span_of("a\0", 2), ATTRIBUTE_TEXT), "a NUL does not end a value");
	ok(glob_matches("\xc3?", span_of("\xc3\xa9", 2), ATTRIBUTE_HOST), "bytes beyond ASCII are not special");
	/* a star for every place is where a naive matcher never returns */
	memset(many, 'a', sizeof(many));
	ok(!glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", span_of(many, sizeof(many)), ATTRIBUTE_TEXT),
	    "many stars are decided in time");
	ok(!glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", span_of(many, sizeof(many)), ATTRIBUTE_HOST),
	    "many stars are decided in time for host names");
}

/* A client that has begun to send and holds back the rest does not get past a rule that denies. */
static void
test_held_back(void)
{
	static const struct {
		const char *rules, *bytes, *at_the_timeout, *at_the_end;
	} cases[] = {
		{ "ssh reject\nany connect 127.0.0.1:1", "SS", "no", "2" },
		{ "ssh reject\nany connect 127.0.0.1:1", "", "2", "2" },
		{ "ssh reject\nany connect 127.0.0.1:1", "x", "2", "2" },
		{ "ssh connect 127.0.0.1:2\nany connect 127.0.0.1:1", "SS", "2", "2" },
		{ "tls sni=a.example reject\nany exec /bin/true", "\x16\x03", "no", "2" },
		{ "text=GET reply no\nany exec /bin/true", "GE", "no", "2" },
		{ "ssh close\nstalled connect 127.0.0.1:1\nany exec /bin/true", "SS", "2", "3" },
		{ "ssh reject\nany reject", "SS", "2", "2" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		is_str(decide(cases[i].bytes, true), cases[i].at_the_end, "held back %zu: the client has finished", i);
		now.evidence.timed_out = true;
		is_str(decide(cases[i].bytes, true), cases[i].at_the_timeout, "held back %zu: the time is over", i);
		if (strcmp(cases[i].at_the_timeout, "no") == 0) {
			is_int(now.rule != NULL ? now.rule->number : 0, 1, "held back %zu: rule 1 is undecided", i);
			is_str(now.awaited.unread != NULL ? now.awaited.unread->name : "", "protocol", "held back %zu: of what", i);
			now.evidence.undecided_next = true;
			ok(pick_bytes(cases[i].bytes, strlen(cases[i].bytes), true) == PROBE_YES,
			    "held back %zu: undecided next", i);
		}
	}
}

/* One rule asked alone: what is awaited is lowered by what it waits for and by nothing else. */
static void
test_verdict(void)
{
	struct awaited p = { .want = 3, .quiet_ms = 100 };

	begin("bytes=41@9 close");
	now.evidence.bytes = span_of("xx", 2);
	is_int(rule_verdict(rules.first, &now.evidence, &now.readings, &p), PROBE_MORE,
	    "a rule that waits for later bytes is undecided");
	ok(p.want == 3 && p.quiet_ms == 100, "a rule that waits for later bytes does not make us wait for longer than another");
	p = (struct awaited){ .want = SIZE_MAX, .quiet_ms = INT64_MAX };
	is_int(rule_verdict(rules.first, &now.evidence, &now.readings, &p), PROBE_MORE,
	    "a rule that waits for later bytes is undecided without another");
	ok(p.want == 10 && p.quiet_ms == INT64_MAX, "a rule that waits for later bytes says for which");
	begin("silent=300ms bytes=41 close");
	p = (struct awaited){ .want = SIZE_MAX, .quiet_ms = INT64_MAX };
	is_int(rule_verdict(rules.first, &now.evidence, &now.readings, &p), PROBE_MORE, "a rule of silence and bytes is undecided");
	begin("bytes=41@9 bytes=42 close");
	now.evidence.bytes = span_of("xx", 2);
	p = (struct awaited){ .want = SIZE_MAX, .quiet_ms = INT64_MAX };
	is_int(rule_verdict(rules.first, &now.evidence, &now.readings, &p), PROBE_NO, "a rule that cannot hold is decided");
	ok(p.want == SIZE_MAX && p.quiet_ms == INT64_MAX, "a rule that cannot hold makes nobody wait");
	begin("");
	now.evidence.bytes = span_of("xx", 2);
	is_str(decision(pick()), "no", "no rules decide nothing");
}

int
main(void)
{
	test_decisions();
	test_final();
	test_awaited();
	test_lists();
	test_silence();
	test_addresses();
	test_attributes();
	test_undecided();
	test_needs();
	test_partial();
	test_stalled();
	test_held_back();
	test_attribute_finality();
	test_regex_window();
	test_glob();
	test_verdict();
	rules_clear(&rules);
	return done_testing();
}
