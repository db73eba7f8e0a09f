#include "config.h"

#include <arpa/inet.h>
#include <errno.h>

#include "fixture.h"
#include "grammar.h"
#include "options.h"
#include "rule.h"
#include "sniff.h"
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
	struct patience patience;
} now;

/* Begin with the rules in TEXT, one a line. */
static void
begin(const char *text)
{
	struct settings settings;
	struct complaint complaint;
	char line[2048];

	options_defaults(&settings);
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
	now.patience = (struct patience){ SIZE_MAX, INT64_MAX };
	return rules_pick(&rules, &now.evidence, &now.readings, &now.rule, &now.patience);
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
		/* regular expressions */
		{ "regex=^GET close", "", "more", "no" },
		{ "regex=^GET close", "GE", "more", "no" },
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
		is_str(decide(cases[i].bytes, false), cases[i].now, "%zu: %s", i, name);
		is_str(decide(cases[i].bytes, true), cases[i].at_the_end, "%zu: at the end", i);
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
test_patience(void)
{
	static const struct {
		const char *rules, *bytes;
		size_t least, most;	/* of total bytes to wait for */
	} cases[] = {
		{ "bytes=41@9 close", "x", 10, 10 },
		{ "text=ABC close", "", 1, 1 },
		{ "bytes=41@9 close\nbytes=42@4 close", "x", 5, 5 },
		{ "bytes=41@9 close\nssh close", "", 1, 1 },
		{ "regex=^GET close", "x", 2, 2 },
		{ "regex=^GET close\nbytes=41@9 close", "x", 2, 2 },
		{ "bytes=??????@3 close", "x", 4, 6 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(cases[i].rules);
		is_str(decide(cases[i].bytes, false), "more", "undecided: case %zu", i);
		ok(now.patience.want >= cases[i].least && now.patience.want <= cases[i].most, "until %zu bytes are there",
		    now.patience.want);
		is_int(now.patience.quiet_ms, INT64_MAX, "silence changes nothing");
	}
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
		is_str(decide(cases[i].bytes, false), cases[i].decided, "silence %zu", i);
		if (strcmp(cases[i].decided, "more") == 0) {
			is_int(now.patience.quiet_ms, cases[i].until, "until when");
			ok(now.patience.want == strlen(cases[i].bytes) + 1, "or until a byte comes");
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
	is_str(decision(pick_bytes(hello, 20, true)), "no", "and will not");
	begin("tls close");
	is_str(decision(pick_bytes(hello, 6, false)), "1", "the protocol alone does not need it");
	begin("tls !sni=git.example.org close\nany reject");
	is_str(decision(pick_bytes(hello, 20, false)), "more", "nor is a name absent that has not come");
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
			wrong += now.patience.want <= n || now.patience.want > length;
		snprintf(last, sizeof(last), "%s", d);
	}
	is_int((long long)wrong, 0, "no beginning decides otherwise");
	is_str(last, "1", "all of it decides");
}

/* A regular expression sees so many bytes and no more. */
static void
test_regex_window(void)
{
	static char bytes[REGEX_WINDOW + 100];

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes + REGEX_WINDOW - 3, "END", 3);
	begin("regex=END close");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW - 1, false)), "more", "one byte is missing");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW, false)), "1", "at the end of the window");
	is_str(decision(pick_bytes(bytes, sizeof(bytes), false)), "1", "and later");
	begin("regex='END$' close");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW, false)), "1", "the end of the window is an end");
	is_str(decision(pick_bytes(bytes, sizeof(bytes), false)), "1", "and stays one");
	memcpy(bytes + REGEX_WINDOW - 3, "xEND", 4);
	begin("regex=END close");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW - 1, false)), "more", "not there yet");
	is_str(decision(pick_bytes(bytes, REGEX_WINDOW, false)), "no", "what does not fit is not seen");
	is_str(decision(pick_bytes(bytes, sizeof(bytes), false)), "no", "nor later");
	/* NUL ends what is seen */
	begin("regex='ab$' close");
	is_str(decision(pick_bytes("ab\0cd", 5, false)), "1", "up to a NUL");
	begin("regex='cd' close");
	is_str(decision(pick_bytes("ab\0cd", 5, false)), "no", "and not behind it");
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

		is_int(glob_matches(cases[i].glob, value, false), cases[i].plain,
		    "\"%s\" and \"%s\"", cases[i].glob, cases[i].value);
		is_int(glob_matches(cases[i].glob, value, true), cases[i].host, "as host names");
	}
	ok(glob_matches("a?c", span_of("a\0c", 3), false), "a NUL is a byte like others");
	ok(!glob_matches("a", span_of("a\0", 2), false), "and does not end a value");
	ok(glob_matches("\xc3?", span_of("\xc3\xa9", 2), true), "nor are bytes beyond ASCII special");
	/* a star for every place is where a naive matcher never returns */
	memset(many, 'a', sizeof(many));
	ok(!glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", span_of(many, sizeof(many)), false), "many stars");
	ok(!glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", span_of(many, sizeof(many)), true), "as host names");
}

/* One rule asked alone: patience is lowered by what it waits for and by nothing else. */
static void
test_verdict(void)
{
	struct patience p = { 3, 100 };

	begin("bytes=41@9 close");
	now.evidence.bytes = span_of("xx", 2);
	is_int(rule_verdict(rules.first, &now.evidence, &now.readings, &p), PROBE_MORE, "a rule that waits for later bytes");
	ok(p.want == 3 && p.quiet_ms == 100, "does not make us wait for longer than another");
	p = (struct patience){ SIZE_MAX, INT64_MAX };
	is_int(rule_verdict(rules.first, &now.evidence, &now.readings, &p), PROBE_MORE, "alone");
	ok(p.want == 10 && p.quiet_ms == INT64_MAX, "it says for which");
	begin("silent=300ms bytes=41 close");
	p = (struct patience){ SIZE_MAX, INT64_MAX };
	is_int(rule_verdict(rules.first, &now.evidence, &now.readings, &p), PROBE_MORE, "silence and bytes");
	begin("bytes=41@9 bytes=42 close");
	now.evidence.bytes = span_of("xx", 2);
	p = (struct patience){ SIZE_MAX, INT64_MAX };
	is_int(rule_verdict(rules.first, &now.evidence, &now.readings, &p), PROBE_NO, "a rule that cannot hold");
	ok(p.want == SIZE_MAX && p.quiet_ms == INT64_MAX, "makes nobody wait");
	begin("");
	now.evidence.bytes = span_of("xx", 2);
	is_str(decision(pick()), "no", "no rules decide nothing");
}

int
main(void)
{
	test_decisions();
	test_final();
	test_patience();
	test_silence();
	test_addresses();
	test_attributes();
	test_attribute_finality();
	test_regex_window();
	test_glob();
	test_verdict();
	rules_clear(&rules);
	return done_testing();
}
