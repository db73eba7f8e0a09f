/* Every row of the table against every sample of tests/corpus, and what the parsers make of the odd ones. */
#include "config.h"

#include <stdint.h>

#include "probe/probe.h"
#include "net/sniff.h"

#include "tap.h"

/* What the corpus says of one file. */
struct sample {
	char name[64];		/* tls-openssl */
	char protocol[24];	/* tls */
	char expected[256];	/* tls sni=a.example version=1.3; * stands for any bytes */
	size_t length;
	uint8_t *bytes;
	const struct probe *probe;
};

#define SAMPLES_MAX 512

static struct sample samples[SAMPLES_MAX];
static size_t sample_count;

/* All prefixes are tried up to this length, some beyond. */
#define EVERY_PREFIX 700

static uint8_t scratch[SNIFF_MAX];

static enum verdict
ask(const struct probe *probe, const uint8_t *bytes, size_t length, struct reading *r)
{
	*r = (struct reading){ .scratch = scratch, .scratch_left = sizeof scratch };
	return probe_read(probe, span_of(bytes, length), r);
}

static enum verdict
verdict_of(const struct probe *probe, const uint8_t *bytes, size_t length)
{
	struct reading r;

	return ask(probe, bytes, length, &r);
}

/* "tls sni=a.example version=1.3", in static storage. */
static const char *
describe(const struct probe *probe, const uint8_t *bytes, size_t length)
{
	static const char *const verdicts[] = { "NO", "MORE" };
	static char text[65536];
	struct reading r;
	enum verdict verdict = ask(probe, bytes, length, &r);
	size_t n;

	if (verdict != PROBE_YES)
		return verdicts[verdict];
	n = (size_t)snprintf(text, sizeof text, "%s", probe->name);
	for (size_t i = 0; i < r.count && n < sizeof text / 2; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, " %s=%.*s", r.attribute[i].name, (int)r.attribute[i].value.length,
		    (const char *)r.attribute[i].value.bytes);
	return text;
}

/* Whether TEXT is as GLOB says, where * stands for any bytes but a space. */
static bool
looks_like(const char *glob, const char *text)
{
	for (; *glob != '*'; glob++, text++) {
		if (*glob != *text)
			return false;
		if (*glob == '\0')
			return true;
	}
	do {
		if (looks_like(glob + 1, text))
			return true;
	} while (*text != '\0' && *text++ != ' ');
	return false;
}

static void
load(const char *folder, const char *line)
{
	struct sample *s = &samples[sample_count];
	char path[512], file[128];
	FILE *f;

	if (sample_count == SAMPLES_MAX || sscanf(line, "%127[^ |] | %255[^|]", file, s->expected) != 2)
		die("cannot read: %s", line);
	s->expected[strlen(s->expected) - 1] = '\0';
	sscanf(s->expected, "%23s", s->protocol);
	snprintf(s->name, sizeof s->name, "%.*s", (int)(strlen(file) - 4 - 5), file + 5);
	snprintf(path, sizeof path, "%s/%s", folder, file);
	f = fopen(path, "r");
	s->bytes = malloc(SNIFF_MAX);
	if (f == NULL || s->bytes == NULL)
		die("cannot read %s", path);
	s->length = fread(s->bytes, 1, SNIFF_MAX, f);
	fclose(f);
	/* Exactly as large as it is, so that a read beyond it is seen. */
	s->bytes = realloc(s->bytes, s->length);
	s->probe = probe_find(s->protocol);
	if (!ok(s->probe != NULL && s->length > 0, "%s: there is a row for it", s->name))
		return;
	sample_count++;
}

static void
load_all(void)
{
	static const char *const indexes[] = { "real/INDEX", "made/INDEX" };
	const char *srcdir = getenv("srcdir");
	char folder[256], path[300], line[2048];
	FILE *f;

	snprintf(folder, sizeof folder, "%s/tests/corpus", srcdir != NULL ? srcdir : ".");
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, indexes[i]);
		f = fopen(path, "r");
		if (f == NULL)
			die("cannot open %s", path);
		while (fgets(line, sizeof line, f) != NULL)
			load(folder, line);
		fclose(f);
	}
}

static void
free_all(void)
{
	for (size_t i = 0; i < sample_count; i++)
		free(samples[i].bytes);
}

static const struct sample *
sample(const char *name)
{
	for (size_t i = 0; i < sample_count; i++)
		if (strcmp(samples[i].name, name) == 0)
			return &samples[i];
	die("no sample %s", name);
}

/* The bytes that a YES needs; 0 if there is no YES. */
static size_t
bytes_to_yes(const struct probe *probe, const uint8_t *bytes, size_t length)
{
	for (size_t n = 1; n <= length; n++)
		if (verdict_of(probe, bytes, n) == PROBE_YES)
			return n;
	return 0;
}

static bool
same_start(const struct reading *a, const struct reading *b, const char *values_of_a)
{
	if (a->count > b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		size_t length = a->attribute[i].value.length;

		if (strcmp(a->attribute[i].name, b->attribute[i].name) != 0 || length != b->attribute[i].value.length ||
		    memcmp(values_of_a, b->attribute[i].value.bytes, length) != 0)
			return false;
		values_of_a += length;
	}
	return true;
}

/* Values may stand in scratch space that the next call writes over. */
static void
save_values(const struct reading *r, char *values)
{
	for (size_t i = 0; i < r->count; i++) {
		memcpy(values, r->attribute[i].value.bytes, r->attribute[i].value.length);
		values += r->attribute[i].value.length;
	}
}

/* The contract of probe.h, with more and more of the bytes.  Returns what was broken, or NULL. */
static const char *
broken(const struct probe *probe, const uint8_t *bytes, size_t length)
{
	static char values[2 * SNIFF_MAX];
	struct reading before = { 0 }, now;
	enum verdict said = PROBE_MORE, verdict;
	size_t wanted = 0;

	for (size_t n = 0; n <= length; n += n < EVERY_PREFIX || n + 97 > length ? 1 : 97) {
		verdict = ask(probe, bytes, n, &now);
		if (said != PROBE_MORE && verdict != said)
			return "a verdict that changed";
		if (!same_start(&before, &now, values))
			return "an attribute that changed";
		if (before.complete && (!now.complete || now.count != before.count))
			return "an attribute after the last";
		if (before.partial && !now.partial)
			return "a partial reading that became whole";
		if (n < wanted && (verdict != said || now.count != before.count || now.complete != before.complete ||
		    now.partial != before.partial))
			return "a change before there was what it wanted";
		if (now.want != 0 && (now.want <= n || verdict == PROBE_NO || now.complete))
			return "a want that makes no sense";
		wanted = now.want > wanted ? now.want : wanted;
		said = verdict;
		before = now;
		save_values(&now, values);
	}
	return NULL;
}

/* Let the bytes arrive in pieces, looking only when there is as much as was wanted, as sniff.c does. */
static unsigned
feed(const struct probe *probe, const uint8_t *bytes, size_t length, unsigned largest, struct reading *ret,
    enum verdict *ret_verdict)
{
	unsigned calls = 0;
	size_t want = 1;

	*ret_verdict = PROBE_MORE;
	for (size_t n = 0; n < length;) {
		size_t piece = 1 + (largest > 1 ? (size_t)rand() % largest : 0);

		n = n + piece > length ? length : n + piece;
		if (n < want && n < length)
			continue;
		*ret_verdict = ask(probe, bytes, n, ret);
		calls++;
		if (*ret_verdict == PROBE_NO || ret->complete)
			break;
		want = ret->want > n ? ret->want : n + 1;
	}
	return calls;
}

static bool
same_in_pieces(const struct sample *s)
{
	static const unsigned largest[] = { 1, 2, 7, 100, 2000 };
	static char values[2 * SNIFF_MAX];
	struct reading whole, pieces;
	enum verdict verdict = ask(s->probe, s->bytes, s->length, &whole), in_pieces;

	save_values(&whole, values);
	for (size_t i = 0; i < sizeof largest / sizeof largest[0]; i++) {
		feed(s->probe, s->bytes, s->length, largest[i], &pieces, &in_pieces);
		if (in_pieces != verdict || pieces.count != whole.count || !same_start(&whole, &pieces, values))
			return false;
	}
	return true;
}

/* What follows the bytes changes no verdict and no attribute, and neither does it how the contract is kept. */
static const char *
broken_with_tail(const struct sample *s, bool zero)
{
	uint8_t *longer = malloc(s->length + 64);
	const char *what;

	if (longer == NULL)
		die("malloc failed");
	memcpy(longer, s->bytes, s->length);
	for (size_t i = 0; i < 64; i++)
		longer[s->length + i] = zero ? 0 : (uint8_t)rand();
	what = broken(s->probe, longer, s->length + 64);
	if (what == NULL && verdict_of(s->probe, longer, s->length + 64) != PROBE_YES)
		what = "no YES";
	free(longer);
	return what;
}

/* One byte changed, wherever: the contract holds for every row. */
static const char *
broken_when_mutated(const struct sample *s)
{
	size_t length = s->length < 300 ? s->length : 300;
	uint8_t copy[300];
	const char *what = NULL;

	for (int i = 0; i < 40 && what == NULL; i++) {
		memcpy(copy, s->bytes, length);
		copy[(size_t)rand() % length] = (uint8_t)rand();
		what = broken(s->probe, copy, length);
	}
	return what;
}

/* Rows that say YES to bytes of another protocol; the table's order, or the rules', then decides. */
static bool
is_known_overlap(const struct probe *row, const struct sample *s)
{
	static const char *const alike[] = { "http", "memcached", "beanstalkd" };

	/* What a row that must be named takes for its own, a rule must be written with that in mind; usher-protocols(7) says so. */
	if (s->probe->named_only)
		return true;
	for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
		if (row->named_only && strcmp(s->protocol, alike[i]) == 0)
			return true;
	return false;
}

/* An attribute that was read of S and that its row does not have; NULL: there is none. */
static const char *
unknown_attribute(const struct sample *s)
{
	struct reading r;

	ask(s->probe, s->bytes, s->length, &r);
	for (size_t i = 0; i < r.count; i++) {
		const struct attribute_kind *kind = s->probe->attributes;

		while (kind->name != NULL && strcmp(kind->name, r.attribute[i].name) != 0)
			kind++;
		if (kind->name == NULL)
			return r.attribute[i].name;
	}
	return NULL;
}

static void
test_sample(const struct sample *s)
{
	const struct probe *named = NULL;
	struct reading r = { .scratch = scratch, .scratch_left = sizeof scratch };
	const char *got = describe(s->probe, s->bytes, s->length), *what;
	enum verdict verdict;

	if (!ok(looks_like(s->expected, got), "%s: %s", s->name, s->expected))
		printf("# got: %s\n", got);
	what = broken(s->probe, s->bytes, s->length);
	ok(what == NULL, "%s: every prefix%s%s", s->name, what != NULL ? ": " : "", what != NULL ? what : "");
	what = broken_with_tail(s, true);
	ok(what == NULL, "%s: zeros after it%s%s", s->name, what != NULL ? ": " : "", what != NULL ? what : "");
	what = broken_with_tail(s, false);
	ok(what == NULL, "%s: noise after it%s%s", s->name, what != NULL ? ": " : "", what != NULL ? what : "");
	what = broken_when_mutated(s);
	ok(what == NULL, "%s: a byte changed%s%s", s->name, what != NULL ? ": " : "", what != NULL ? what : "");
	what = unknown_attribute(s);
	ok(what == NULL, "%s: its row has every attribute that is read%s%s", s->name, what != NULL ? ", but not " : "",
	    what != NULL ? what : "");
	ok(same_in_pieces(s), "%s: in pieces", s->name);
	verdict = probe_identify(span_of(s->bytes, s->length), false, &named, &r);
	if (s->probe->named_only)
		ok(verdict != PROBE_YES || named != s->probe, "%s: is not looked for unless named", s->name);
	else if (!ok(verdict == PROBE_YES && named == s->probe, "%s: is named without waiting for more", s->name))
		printf("# verdict %d, named %s\n", verdict, named != NULL ? named->name : "-");
	for (const struct probe *row = probes; row->name != NULL; row++) {
		if (row == s->probe || is_known_overlap(row, s))
			continue;
		if (verdict_of(row, s->bytes, s->length) == PROBE_YES)
			ok(false, "%s: %s must not take it for its own", s->name, row->name);
	}
}

/*
 * Bytes that can only have this one value, marked =, as far as the sample is NAME's.  Any other value must be refused at that byte.
 */
static const struct {
	const char *name, *fixed;
} signatures[] = {
	{ "tls-openssl", ".=...=" },
	{ "tls-sslv2", "..=..=.=.=." },
	{ "ssh-plain", "====" },
	{ "http2-curl", "========================" },
	{ "redis-cli", "=..==" },
	{ "postgres-ssl", "==....=" },
	{ "postgres-cancel", "==...===" },
	{ "postgres-psql", "==...=" },
	{ "socks4-curl", "=" },
	{ "socks5-curl", "=" },
	{ "rdp-mstsc", "==..====..=" },
	{ "mqtt-mosquitto-311", "=.=.====" },
	{ "mqtt-mosquitto-31", "=.=.======" },
	{ "proxy-1-tcp4", ".=====" },
	{ "proxy-2-tcp4", ".===========" },
	{ "bittorrent", "====================" },
	{ "jdwp", "==============" },
	{ "rsync", "=========" },
	{ "amqp-091", "====" },
	{ "adb-devices", "....====" },
	{ "adb-cnxn", "..==................====" },
	{ "ajp-nmap", "==..=" },
	{ "amqp-publish", "====..==" },
	{ "beanstalkd-watch", ".=====" },
	{ "bgp-open", "================" },
	{ "bitcoin-nmap", ".===============" },
	{ "cassandra-python", ".....====" },
	{ "ceph-v2", "======" },
	{ "dbus-send", "=====" },
	{ "dcerpc-bind", "=.=..===" },
	{ "diameter-cer", "==...===" },
	{ "dicom-echoscu", "====..====" },
	{ "distcc-client", "===========" },
	{ "dnp3-reset", "==......==" },
	{ "dns-dig", "......=====.=" },
	{ "drda-nmap", "..=....===" },
	{ "epmd-names", "=.=" },
	{ "epmd-alive", "=.....=" },
	{ "gearman", "=======" },
	{ "giop-nmap", "=====" },
	{ "git-clone", "....====.======.====" },
	{ "hadoop", "====" },
	{ "hbase", "====" },
	{ "hl7", "====" },
	{ "ibmmq", "===" },
	{ "iec104-nmap", "=..===" },
	{ "irc-irssi", ".===.=" },
	{ "iscsi-nmap", "..====..........................................==============" },
	{ "kafka-kcat", "==..=.=" },
	{ "kafka-metadata", "==..=.=.=" },
	{ "kerberos-kinit", "==....==" },
	{ "ldap-ldapsearch", "=.=" },
	{ "memcached-memcstat", ".==.===" },
	{ "memcached-memccat-binary", "..=..=" },
	{ "minecraft-login", ".=" },
	{ "modbus-mbpoll", "..===" },
	{ "mongodb-pymongo", "..==.....===.===" },
	{ "oncrpc-nmap", "==......========" },
	{ "opcua-hello", "====..==" },
	{ "openvpn", "..=" },
	{ "pjl", "=========" },
	{ "rmi-registry", "=====" },
	{ "rtmp-rtmpdump", "=.....===" },
	{ "rtsp-curl", ".........======" },
	{ "smb-smbclient", ".=...===" },
	{ "smb-139", ".====" },
	{ "stomp-python", ".====" },
	{ "stun-turnutils", "....====" },
	{ "syslog-logger-count", "...=" },
	{ "t3", "===" },
	{ "tacacs-authentication", "..=.....==" },
	{ "tds-tsql-50", ".=====.=" },
	{ "tds-tsql-74", ".=..==.=" },
	{ "telnet-nmap", "=" },
	{ "thrift-python", ".==.===" },
	{ "thrift-framed-binary", ".....==.===" },
	{ "tinc", "==......==" },
	{ "tns-nmap", "..===.===" },
	{ "winbox", ".=.....=" },
	{ "x11-xdpyinfo", "..====" },
	{ "xmpp-plain", "..============" },
	{ "zookeeper-kazoo", ".==.====" },
	{ "9p", ".======....========" },
	{ "zabbix-agent", "====" },
};

static void
test_signature(const struct sample *s, const char *fixed)
{
	uint8_t copy[64];
	unsigned late = 0;

	for (size_t i = 0; fixed[i] != '\0'; i++) {
		if (fixed[i] != '=')
			continue;
		memcpy(copy, s->bytes, i + 1);
		for (int v = 0; v < 256; v++) {
			copy[i] = (uint8_t)v;
			if (v != s->bytes[i] && verdict_of(s->probe, copy, i + 1) != PROBE_NO) {
				printf("# byte %zu as %02x\n", i, (unsigned)v);
				late++;
			}
		}
	}
	is_int(late, 0, "%s: every byte of the signature can refuse", s->name);
}

/* The first bytes of TEXT that get VERDICT from the row NAME, all shorter ones getting MORE. */
static void
turns(const char *name, const char *text, size_t at, enum verdict verdict)
{
	const struct probe *probe = probe_find(name);
	size_t n = 0;
	enum verdict got = PROBE_MORE;

	while (got == PROBE_MORE && n < strlen(text))
		got = verdict_of(probe, (const uint8_t *)text, ++n);
	if (!ok(got == verdict && n == at, "%s: \"%.*s\" is %s at byte %zu", name, (int)strcspn(text, "\r\n"), text,
	    verdict == PROBE_YES ? "YES" : verdict == PROBE_NO ? "NO" : "MORE", at))
		printf("# got %d at byte %zu\n", got, n);
}

static void
turns_bytes(const char *name, const char *bytes, size_t length, size_t at, enum verdict verdict)
{
	size_t n = 0;
	enum verdict got = PROBE_MORE;

	while (got == PROBE_MORE && n < length)
		got = verdict_of(probe_find(name), (const uint8_t *)bytes, ++n);
	ok(got == verdict && n == at, "%s: verdict %d at byte %zu (is %d at %zu)", name, verdict, at, got, n);
}

static void
test_http(void)
{
	turns("http", "GET / HTTP/1.1\r\n", 5, PROBE_YES);
	turns("http", "DELETE /x", 8, PROBE_YES);
	turns("http", "PROPFIND /dav HTTP/1.1", 10, PROBE_YES);
	turns("http", "GET http://a/ HTTP/1.1", 11, PROBE_YES);
	turns("http", "GET HTTPS://a/ HTTP/1.1", 12, PROBE_YES);
	turns("http", "CONNECT a:443 HTTP/1.1", 9, PROBE_YES);
	turns("http", "CONNECT {\"verbose\":false}", 9, PROBE_NO);
	turns("http", "CONNECT\naccept-version:1.2\n", 8, PROBE_NO);
	turns("http", "OPTIONS * HTTP/1.1\r\n", 17, PROBE_YES);
	turns("http", "OPTIONS * RTSP/1.0\r\n", 11, PROBE_NO);
	turns("http", "OPTIONS rtsp://a/b RTSP/1.0\r\n", 20, PROBE_NO);
	turns("http", "DESCRIBE rtsp://a/b RTSP/1.0\r\n", 21, PROBE_NO);
	turns("http", "OPTIONS sip:joe@a SIP/2.0\r\n", 13, PROBE_NO);
	turns("http", "INVITE sip:joe@a SIP/2.0\r\n", 12, PROBE_NO);
	turns("http", "PROXY TCP4 192.0.2.1", 11, PROBE_NO);
	turns("http", "PROXY UNKNOWN\r\n", 14, PROBE_NO);
	turns("http", "PRI * HTTP/2.0\r\n", 12, PROBE_NO);
	turns("http", "FROB /x HTTP/1.1\r\n", 15, PROBE_YES);
	turns("http", "FROB /x\r\n", 8, PROBE_NO);
	turns("http", "FROB x HTTP/1.1\r\n", 7, PROBE_NO);
	turns("http", "GET key\r\n", 8, PROBE_NO);
	turns("http", "get /key\r\n", 1, PROBE_NO);
	turns("http", "SSH-2.0-x\r\n", 6, PROBE_NO);
	turns("http", "*2\r\n$4\r\n", 1, PROBE_NO);
	turns("http", "\r\nGET /", 7, PROBE_YES);
	turns("http", "\r\n\r\nGET /", 3, PROBE_NO);
	turns("http", "\x16\x03\x01", 1, PROBE_NO);
	turns("http", ".", 1, PROBE_NO);
	turns("http", "barrrr", 1, PROBE_NO);
	turns("http", "Get / HTTP/1.1", 2, PROBE_NO);
	turns("http", "9GET / HTTP/1.1", 1, PROBE_NO);
	turns("http", "M-SEARCH * HTTP/1.1\r\n", 18, PROBE_YES);
	turns("http", "RPC_IN_DATA /rpc/rpcproxy.dll?h:593 HTTP/1.1\r\n", 43, PROBE_YES);
	turns("http", "CONNECT /path", 9, PROBE_YES);
	turns("http", "GET HTTP/1.1\r\n", 11, PROBE_YES);
	turns("http", "GET HTTP://a/ HTTP/1.1", 11, PROBE_YES);
	turns("http", "GET HTTP/2.0\r\n", 13, PROBE_NO);
	turns("http", "GET . HTTP/1.0\r\n", 13, PROBE_YES);
	turns("http", "GET SERVER INFO\r\n", 12, PROBE_NO);
	turns("http", "OPTIONS / HTTP/1.1\r\n", 17, PROBE_YES);
	turns("http", "OPTIONS / RTSP/1.0\r\n", 11, PROBE_NO);
	turns("rtsp", "OPTIONS / RTSP/1.0\r\n", 15, PROBE_YES);
	turns("rtsp", "OPTIONS / HTTP/1.1\r\n", 11, PROBE_NO);
	turns("rtsp", "GET / HTTP/1.1\r\n", 5, PROBE_NO);
	turns("http", "GET    /", 8, PROBE_YES);
	turns("http", "GET    key\r\n", 11, PROBE_NO);
	turns("http", "FROB   /x   HTTP/1.1\r\n", 19, PROBE_YES);
	turns("http", "OPTIONS  * RTSP/1.0\r\n", 12, PROBE_NO);
	turns("http", "OPTIONS  sip:joe@a SIP/2.0\r\n", 14, PROBE_NO);
	turns("http", "ATTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT", 33, PROBE_NO);
}

static void
test_proxy(void)
{
	turns("proxy", "PROXY TCP4 1", 11, PROBE_YES);
	turns("proxy", "PROXY TCP6 1", 11, PROBE_YES);
	turns("proxy", "PROXY UNKNOWN\r\n", 13, PROBE_YES);
	turns("proxy", "PROXY TCP5 1", 10, PROBE_NO);
	turns("proxy", "PROXY / HTTP/1.1", 7, PROBE_NO);
	turns("proxy", "PRI * HTTP/2.0\r\n", 3, PROBE_NO);
	turns("proxy", "\r\n\r\n", 4, PROBE_MORE);
	turns("proxy", "\r\nG", 3, PROBE_NO);
}

static void
test_redis(void)
{
	turns("redis", "*1\r\n$4\r\nPING\r\n", 5, PROBE_YES);
	turns("redis", "*12\r\n$4\r\n", 6, PROBE_YES);
	turns("redis", "*0\r\n", 2, PROBE_NO);
	turns("redis", "*-1\r\n", 2, PROBE_NO);
	turns("redis", "*1\r\n:1\r\n", 5, PROBE_NO);
	turns("redis", "*1\n$", 3, PROBE_NO);
	turns("redis", "*12345678901\r\n", 12, PROBE_NO);
	turns("redis", "PING\r\n", 1, PROBE_NO);
	turns("redis-inline", "PING\r\n", 5, PROBE_YES);
	turns("redis-inline", "ping\n", 5, PROBE_YES);
	turns("redis-inline", "Set k v", 4, PROBE_YES);
	turns("redis-inline", "setrange", 8, PROBE_MORE);
	turns("redis-inline", "setrangex", 9, PROBE_NO);
	turns("redis-inline", "zunionstore x", 12, PROBE_YES);
	turns("redis-inline", "SSH-2.0-x", 3, PROBE_NO);
	turns("redis-inline", "PINGS\r\n", 5, PROBE_NO);
	turns("redis-inline", "*1\r\n", 1, PROBE_NO);
}

/* Refusals of formats with lengths. */
static void
test_lengths(void)
{
	static const struct {
		const char *name, *bytes;
		size_t length;
	} refused[] = {
		{ "tls", "\x16\x03\x01\x00\x00\x17", 6 },		/* nothing but a hello follows an empty record */
		{ "tls", "\x16\x03\x01\x00\x00\x16\x03\x01\x00\x04\x02", 11 },
		{ "tls", "\x16\x03\x01\x40\x01", 5 },			/* a record beyond 2^14 */
		{ "tls", "\x16\x02", 2 },
		{ "tls", "\x16\x03\x01\x00\x10\x02", 6 },		/* a ServerHello */
		{ "tls", "\x80\x0b", 2 },					/* too short for any SSLv2 hello */
		{ "tls", "\x80\x2e\x01\x03\x01\x00\x14", 7 },		/* ciphers that are no multiple of 3 */
		{ "rdp", "\x03\x00\x00\x0a", 4 },
		{ "rdp", "\x03\x00\x00\x16\x12", 5 },			/* the indicator does not fit the length */
		{ "rdp", "\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1", 12 },	/* S7 */
		{ "mqtt", "\x10\x01", 2 },				/* a TDS 7 login */
		{ "mqtt", "\x10\x8c\x00", 3 },				/* a length with a needless byte */
		{ "mqtt", "\x10\xff\xff\xff\xff", 5 },
		{ "mqtt", "\x10\x0c\x00\x04MQTT\x06", 9 },
		{ "postgres", "\x00\x00\x00\x08\x00", 5 },		/* too short for a StartupMessage */
		{ "postgres", "\x00\x00\x00\x10\x00\x03\x00\x00\x00", 9 },	/* Kafka */
		{ "postgres", "\x00\x00\x28", 3 },
		{ "socks4", "\x04\x00", 2 },				/* CQL 4 */
		{ "socks4", "\x04\x01\x00\x00", 4 },			/* port 0 */
		{ "socks4", "\x04\x01\x00\x50\x01\x02\x03\x04\x05", 9 },
		{ "socks5", "\x05\x00", 2 },				/* DCE/RPC, CQL 5 */
		{ "socks5", "\x05\x64", 2 },				/* DNP3 */
		{ "socks5", "\x05\x01\xff", 3 },
		{ "socks5", "\x05\x02\x00\x0b", 4 },
		{ "proxy", "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x22", 13 },
		{ "proxy", "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x21\x13", 14 },
		{ "proxy", "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x21\x11\x00\x0b", 16 },
		{ "cassandra", "\x04\x01", 2 },				/* SOCKS 4 */
		{ "cassandra", "\x03\x00\x00\x00\x01\x00\x00\x00\x00", 9 },	/* a STARTUP without a map */
		{ "dns", "\x00\x10", 2 },					/* too short for a question */
		{ "dns", "\x00\x20\x12\x34\x81", 5 },			/* an answer */
		{ "dns", "\x00\x20\x12\x34\x01\x03", 6 },			/* an error */
		{ "openvpn", "\x00\x20\x38\x12\x01\x00\x00\x01\x00\x00\x00\x00", 12 },	/* DNS */
		{ "openvpn", "\x00\x0d\x38", 2 },
		{ "openvpn", "\x01\x00", 2 },				/* too short for a hard reset of version 3 */
		{ "bgp", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x12", 18 },
		{ "bgp", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x1c\x01", 19 },
		{ "diameter", "\x01\x00\x00\x15", 4 },			/* no multiple of four */
		{ "radius", "\x01\x01\x00\x15", 4 },
		{ "radius", "\x01\x01\x00\x18" "AAAAAAAAAAAAAAAA" "\x01\x01", 22 },	/* an attribute of one byte */
		{ "radius", "\x01\x01\x00\x18" "AAAAAAAAAAAAAAAA" "\x01\x05", 22 },	/* one beyond the packet */
		{ "ldap", "\x30\x04", 2 },
		{ "ldap", "\x30\x80", 2 },					/* an indefinite length */
		{ "ldap", "\x30\x84\x01", 3 },				/* 16 MiB */
		{ "ldap", "\x30\x0c\x02\x01\x01\x61", 6 },			/* an answer */
		{ "ldap", "\x30\x0c\x02\x01\x01\x04", 6 },			/* SNMP */
		{ "kerberos", "\x00\x00\x00\x40\x6a\x40", 6 },		/* lengths that do not fit */
		{ "minecraft", "\x06", 1 },
		{ "minecraft", "\x10\x00\x2f\x0b", 4 },			/* a host that does not fit */
		{ "minecraft", "\x08\x00\x2f\x02" "a\n", 6 },
		{ "minecraft", "\x08\x00\x2f\x02" "ab\x63\xdd\x04", 9 },	/* no such next state */
		{ "winbox", "\x22", 1 },
		{ "winbox", "\x24\x06" "a\n", 4 },
		{ "winbox", "\x24\x06" "abc", 5 },				/* the user does not end where it must */
		{ "modbus", "\x00\x01\x00\x00\x00\x10\x01\x03", 8 },
		{ "mongodb", "\x10\x00", 2 },
		{ "mongodb", "\x30\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xd5", 13 },
		{ "git", "0013", 4 },
		{ "git", "0032host:", 5 },					/* adb */
		{ "adb", "0032git-", 5 },
		{ "adb", "000chostx", 9 },
		{ "drda", "\x00\x26\xd0\x01\x00\x01\x00\x21", 8 },
		{ "thrift", "\x80\x01\x00\x02", 4 },			/* an answer */
		{ "thrift", "\x80\x01\x00\x01\x08", 5 },			/* memcached, a set */
		{ "memcached", "\x80\x00\x00\x28\x12", 5 },			/* ONC-RPC */
		{ "memcached", "\x80\x00\x00\x00", 4 },			/* Skinny: a get without a key */
		{ "memcached", "\x80\x01\x00\x05\x04", 5 },			/* a set with 4 bytes of extras */
		{ "dns", "\x48", 1 },					/* HiSLIP */
		{ "irc", "USER x\r", 7 },					/* FTP */
		{ "irc", "USER a b c\n", 11 },
		{ "memcached", "set k v\r\n", 7 },				/* Redis */
		{ "memcached", "set k 1\r", 8 },
		{ "memcached", "set k 1 EX", 9 },
		{ "memcached", "append k v", 10 },
		{ "memcached", "set k 0 -a", 10 },
		{ "memcached", "set  ", 5 },
		{ "elastic", "ES\0\0\0\x20\0\0\0\0\0\0\0\1\1\0", 16 },		/* an answer */
		{ "elastic", "ES\0\0\0\x20\0\0\0\0\0\0\0\1\x0a\0", 16 },
		{ "kafka", "\0\0\0\x40\0\x12\0\x08", 8 },
		{ "kerberos", "\x00\x00\x00\x71\x6a\x6e", 6 },
		{ "kerberos", "\x00\x00\x00\x71\x6a\x80", 6 },			/* an indefinite length */
		{ "kerberos", "\x00\x00\x00\x71\x6a\x81\x6f", 7 },
		{ "kerberos", "\x00\x00\x00\x71\x6a\x85", 6 },
		{ "radius", "\x01\x01\x04\x18" "AAAAAAAAAAAAAAAA" "\x04\x20", 22 },	/* an address of 30 bytes */
		{ "iso-tsap", "\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\x01", 12 },	/* RDP */
		{ "iso-tsap", "\x03\x00\x00\x16\x12", 5 },
		{ "kafka", "\x00\x00\x00\x40\x00\x01\x00\x04\x00\x00\x00\x01\x00\x04" "a\x01", 16 },
		{ "kafka", "\x00\x00\x00\x40\x00\x04", 6 },
		{ "stun", "\x00\x15\x00\x01\x00\x00", 6 },		/* a framing that does not fit */
		{ "synchrophasor", "\xaa\x41\x00\x12\x00\x01" "AAAAAAAA" "\x00\x02\x00\x00", 18 },
		{ "ads", "\x00\x00\x1f\x00", 4 },
		{ "memcached", "\x80\x01\x00\x05\x08\x00\x00\x00\x00\x00\x00\x0c", 12 },	/* a body that is too short */
		{ "oncrpc", "\x80\x01", 2 },
		{ "dnp3", "\x05\x64\x05\x80", 4 },				/* from the other side */
		{ "dnp3", "\x05\x64\x05\xc0\x01\x00\x00\x04\xe8", 9 },		/* a wrong checksum */
		{ "rtmp", "\x03\x00\x00\x2b\x26\xe0", 6 },			/* RDP */
		{ "syslog", "<192", 4 },
		{ "syslog", "<01", 3 },
		{ "syslog", "0", 1 },
		{ "syslog", "<?", 2 },						/* XMPP */
		{ "tinc", "0 name 16", 9 },
		{ "xmpp", "<stream:streams", 15 },
		{ "xmpp", "<?xml version='1.0'>", 20 },
		{ "sip", "OPTIONS rtsp", 9 },
		{ "sip", "\r\n\r\n\r", 5 },
		{ "rtsp", "OPTIONS sip", 9 },
		{ "rtsp", "OPTIONS * HTTP", 11 },
		{ "stomp", "CONNECT a", 8 },				/* HTTP */
	};

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		const struct probe *probe = probe_find(refused[i].name);
		const uint8_t *bytes = (const uint8_t *)refused[i].bytes;
		size_t n = 1;

		while (n < refused[i].length && verdict_of(probe, bytes, n) == PROBE_MORE)
			n++;
		is_int(n, (long long)refused[i].length, "%s: refusal %zu comes at its last byte", refused[i].name, i);
		is_int(verdict_of(probe, bytes, n), PROBE_NO, "%s: refusal %zu", refused[i].name, i);
	}
}

/* A ClientHello in records of one byte, delivered a byte at a time, is not looked at for every byte. */
static void
test_dribble(void)
{
	const struct sample *pq = sample("tls-pq");
	uint8_t *records = malloc(6 * pq->length);
	size_t n = 0;
	struct reading r;
	enum verdict verdict;
	unsigned calls;

	for (size_t i = 5; records != NULL && i < pq->length; i++) {
		memcpy(records + n, "\x16\x03\x01\x00\x01", 5);
		records[n + 5] = pq->bytes[i];
		n += 6;
	}
	calls = feed(pq->probe, records, n, 1, &r, &verdict);
	is_str(describe(pq->probe, records, n), pq->expected, "a ClientHello in %zu records of a byte", n / 6);
	/* Each header may be what ends it. */
	ok(calls <= n / 6 + 20 && verdict == PROBE_YES && r.complete,
	    "a ClientHello in records of a byte was looked at %u times", calls);
	free(records);
	calls = feed(pq->probe, pq->bytes, pq->length, 1, &r, &verdict);
	ok(calls < 12, "a ClientHello in one record was looked at %u times", calls);
}

/* REQUEST with COUNT times LINE and then TAIL; what the row http reads of it. */
static void
ask_many(const char *request, unsigned count, const char *line, const char *tail, struct reading *ret)
{
	static char text[SNIFF_MAX];
	size_t n = (size_t)snprintf(text, sizeof text, "%s", request);

	for (unsigned i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s", line);
	n += (size_t)snprintf(text + n, sizeof text - n, "%s", tail);
	is_int(ask(probe_find("http"), (uint8_t *)text, n, ret), PROBE_YES, "HTTP, %u times %.*s", count, (int)strcspn(line,
	    "\r"), line);
}

static bool
reading_has(const struct reading *r, const char *name, const char *value)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->attribute[i].name, name) == 0 && r->attribute[i].value.length == strlen(value) &&
		    memcmp(r->attribute[i].value.bytes, value, strlen(value)) == 0)
			return true;
	return false;
}

/* However much else there is, an attribute has its place, or it is said that it may be missing. */
static void
test_headers(void)
{
	struct reading r;

	ask_many("GET / HTTP/1.1\r\n", 40, "Upgrade: x\r\n", "Host: a.example\r\n\r\n", &r);
	ok(reading_has(&r, "host", "a.example") && r.complete && !reading_lacks(&r, "host"),
	    "Host is read after many Upgrade headers");
	ok(r.partial && reading_lacks(&r, "upgrade"), "Upgrade headers beyond the room for them may be missing");
	ask_many("GET / HTTP/1.1\r\n", 1, "Upgrade: h2c,\t, WebSocket\r\n", "Host: a.example\r\n\r\n", &r);
	ok(reading_has(&r, "upgrade", "h2c") && reading_has(&r, "upgrade", "WebSocket") && !reading_lacks(&r, "upgrade"),
	    "each of a list of Upgrade is read");
	ask_many("GET / HTTP/1.1\r\n", 6000, "A: b\r\n", "Host: a.example\r\n\r\n", &r);
	ok(reading_has(&r, "host", "a.example") && r.complete && !r.partial, "Host is read after thousands of headers");
	ask_many("GET / HTTP/1.1\r\n", 6000, "A: b\r\n", "", &r);
	ok(!r.complete && reading_lacks(&r, "host"), "Host may come after thousands of headers");
	ask_many("GET / HTTP/1.1\r\n", 1, "Host: a.example\r\n", "Host: b.example\r\n\r\n", &r);
	ok(reading_has(&r, "host", "a.example") && reading_has(&r, "host", "b.example") && !r.partial,
	    "each of two Host headers is read");
	ask_many("GET / HTTP/1.1\r\n", 60, "Host: a.example\r\n", "Host: b.example\r\n\r\n", &r);
	ok(r.complete && reading_lacks(&r, "host"), "the last of too many Host headers may be missing");
	ask_many("GET /   HTTP/1.1\r\n", 1, "Host : a.example\r\n", "\r\n", &r);
	ok(reading_has(&r, "host", "a.example"), "white space before the version and before the colon is skipped");
	ask_many("GET / HTTP/1.1\r\n", 1, "Host:\r\n \ta.example \r\n", "\r\n", &r);
	ok(reading_has(&r, "host", "a.example"), "a value on the line after its name is read");
	ask_many("GET HTTP/1.1\r\n", 1, "Host: a.example\r\n", "\r\n", &r);
	ok(reading_has(&r, "host", "a.example") && !reading_has(&r, "path", "HTTP/1.1") && r.complete,
	    "a request without a target has no path");
	ask_many("CONNECT /p HTTP/1.1\r\n", 1, "Host: a.example\r\n", "\r\n", &r);
	ok(reading_has(&r, "host", "a.example") && reading_has(&r, "path", "/p"), "CONNECT with a path has it");
}

/* A ClientHello of sample tls-pq in records of SIZE bytes, with BETWEEN after each. */
static size_t
split_hello(uint8_t *to, size_t size, const char *between, size_t between_length)
{
	const struct sample *pq = sample("tls-pq");
	size_t n = 0;

	for (size_t at = 5; at < pq->length; at += size) {
		size_t length = pq->length - at < size ? pq->length - at : size;
		uint8_t head[] = { 0x16, 3, 0xff, (uint8_t)(length >> 8), (uint8_t)length };

		memcpy(to + n, head, 5);
		memcpy(to + n + 5, pq->bytes + at, length);
		memcpy(to + n + 5 + length, between, between_length);
		n += 5 + length + between_length;
	}
	return n;
}

static void
test_records(void)
{
	static uint8_t hello[SNIFF_MAX];
	const struct sample *pq = sample("tls-pq");
	struct reading r;
	size_t n = split_hello(hello, 200, "\x16\x03\x01\x00\x00\x16\x03\x03\x00\x00", 10);

	is_str(describe(pq->probe, hello, n), pq->expected, "empty records in the middle of a ClientHello, version 3.255");
	memcpy(hello, "\x16\x03\x05\x00\x00", 5);
	memcpy(hello + 5, pq->bytes, pq->length);
	is_str(describe(pq->probe, hello, pq->length + 5), pq->expected, "an empty record before a ClientHello");
	ok(broken(pq->probe, hello, pq->length + 5) == NULL, "every prefix of an empty record and a ClientHello is MORE or YES");
	n = split_hello(hello, 200, "\x15\x03\x01\x00\x02\x01\x5a", 7);
	is_int(ask(pq->probe, hello, n, &r), PROBE_YES, "a ClientHello with a warning in the middle is TLS");
	ok(r.partial && reading_lacks(&r, "sni") && broken(pq->probe, hello, n) == NULL,
	    "a ClientHello with a warning in the middle: its name may have been sent");
	ask(pq->probe, hello, 200 + 5 + 4, &r);
	ok(!r.complete && r.want == 200 + 5 + 5, "after a record no more is wanted than the header of the next");
	memset(hello, 0, sizeof hello);
	memcpy(hello, "\x16\x03\x01\x40\x00\x01\x00\xff\xf0\x03\x03", 11);
	is_int(ask(pq->probe, hello, 100, &r), PROBE_YES, "a ClientHello that is larger than what is looked at is TLS");
	ok(r.partial && r.want == 0 && reading_lacks(&r, "sni"),
	    "a ClientHello that is larger than what is looked at: its name may come");
	for (n = 0; n + 6 <= sizeof hello; n += 6) {
		static const uint8_t start[] = { 1, 0, 0x2f, 0, 3, 3 };

		memcpy(hello + n, "\x16\x03\x01\x00\x01", 5);
		hello[n + 5] = n / 6 < sizeof start ? start[n / 6] : 0;
	}
	is_int(ask(pq->probe, hello, sizeof hello, &r), PROBE_YES, "12 kB in records of a byte are TLS");
	ok(!r.complete && reading_lacks(&r, "sni"), "12 kB in records of a byte: the name may come");
}

/* OpenSSL takes an SSLv2 hello with a challenge of any length. */
static void
test_ssl2(void)
{
	turns_bytes("tls", "\x80\x1b\x01\x03\x01\x00\x03\x00\x00\x00\x0f\x00\x00\x39", 14, 11, PROBE_YES);
	turns_bytes("tls", "\x80\x1b\x01\x03\x05\x00\x03\x00\x00\x00\x0f\x00\x00\x39", 14, 11, PROBE_YES);
	turns_bytes("tls", "\x80\x1b\x01\x03\x01\x00\x03\x00\x00\x00\x10\x00\x00\x39", 14, 11, PROBE_NO);
}

/* The shortest cookie: once there is nothing to come, nothing is wanted. */
static void
test_cookie(void)
{
	static const uint8_t bytes[] = "\x03\x00\x00\x1f\x1a\xe0\x00\x00\x00\x00\x00" "Cookie: mstshash=a\r\n";
	struct reading r;

	for (size_t n = 11; n < sizeof bytes - 1; n++) {
		ask(probe_find("rdp"), bytes, n, &r);
		if (r.want > sizeof bytes - 1)
			ok(false, "rdp: %zu bytes are wanted at byte %zu", r.want, n);
	}
	ask(probe_find("rdp"), bytes, sizeof bytes - 1, &r);
	ok(reading_has(&r, "user", "a") && r.complete && r.want == 0, "rdp: a cookie of one letter is read");
}

/* TEXT and COUNT times FILLER behind it: the row NAME says YES and all that it can, and whether ATTRIBUTE was sent is not known. */
static void
hides(const char *name, const char *text, size_t length, const char *filler, size_t count, const char *attribute)
{
	static uint8_t bytes[8192];
	const struct probe *probe = probe_find(name);
	const char *what;
	struct reading r;

	memcpy(bytes, text, length);
	for (; count > 0 && length + strlen(filler) <= sizeof bytes; count--) {
		memcpy(bytes + length, filler, strlen(filler));
		length += strlen(filler);
	}
	is_int(ask(probe, bytes, length, &r), PROBE_YES, "%s: \"%.*s\", %zu bytes", name, (int)strcspn(text, "\r\n"), text, length);
	ok(r.complete && r.partial && reading_lacks(&r, attribute), "what was cut: its %s may have been sent", attribute);
	what = broken(probe, bytes, length);
	ok(what == NULL, "every prefix of it is MORE or YES%s%s", what != NULL ? ": " : "", what != NULL ? what : "");
}

static void
is_whole(const char *name, const char *text, const char *expected)
{
	struct reading r;

	is_str(describe(probe_find(name), (const uint8_t *)text, strlen(text)), expected, "%s", expected);
	ask(probe_find(name), (const uint8_t *)text, strlen(text), &r);
	ok(r.complete && !r.partial, "what was read is all that was sent");
}

/* What servers disagree about. */
static void
hides_host(const char *request)
{
	hides("http", request, strlen(request), "", 0, "host");
}

/* Where reading ends at a limit, or at what a server may read otherwise, it is said that an attribute may have been sent. */
static void
test_limits(void)
{
	hides("ssh", "SSH-2.0-", 8, "x", 300, "software");
	hides("ssh", "SSH-2", 5, "0", 300, "version");
	hides("ssh", "SSH-2.0-\x80x\r\n", 12, "", 0, "software");
	hides("socks4", "\4\1\0\x50\0\0\0\1", 8, "u", 300, "destination");
	hides("socks4", "\4\1\0\x50\0\0\0\1u", 10, "h", 300, "destination");
	hides("xmpp", "<stream:stream a='", 18, "x", 5000, "host");
	hides("xmpp", "<stream:stream", 14, " a=''", 1000, "host");
	hides("xmpp", "<stream:stream to=", 18, " ", 5000, "host");
	hides("xmpp", "<stream:stream to=a>", 20, "", 0, "host");
	hides("xmpp", "<stream:stream to='a&#46;example'>", 34, "", 0, "host");
	hides("xmpp", "<?xml version='1.0'", 19, " ", 300, "host");
	hides("xmpp", "<?xml version='1.0'?>", 21, " ", 300, "host");
	hides("rtsp", "PLAY rtsp://", 12, "a", 1100, "host");
	hides("rtsp", "PLAY rtsp://a@b@c/ RTSP/1.0\r\n", 29, "", 0, "host");
	hides("sip", "INVITE sip:", 11, "a", 1100, "host");
	hides("sip", "INVITE sip:a.example;", 21, "a", 1100, "host");
	hides("minecraft", "\xfe\1\xfa\0\1", 5, "", 0, "host");
	hides("minecraft", "\xfe\1\xfa\0\x0b\0M\0C\0|\0P\0i\0n\0g\0H\0o\0s\0t\0\x09\x4a\0\1\0\xe9\0\0\1\2", 38, "", 0, "host");
	hides("minecraft", "\xfe\1\xfa\0\x0b\0M\0C\0|\0P\0i\0n\0g\0H\0o\0s\0t\2\x09\x4a\1\1", 32, "", 0, "host");
	hides("mqtt", "\x10\x0c\0\4MQTT\4\2\0\x3c\0\5", 14, "", 0, "client_id");
	hides("rdp", "\3\0\0\x20\x1b\xe0\0\0\0\0\0" "Cookie: mstshash=abcd", 32, "", 0, "user");
	hides("postgres", "\0\0\0\x10\0\3\0\0user\0joe", 16, "", 0, "user");
	hides_host("GET / HTTP/1.1\r\nHost: a.example:@b.example\r\n\r\n");
	hides_host("GET / HTTP/1.1\r\nHost: a.example:80:x@y\r\n\r\n");
	hides_host("GET / HTTP/1.1\r\nHost: a.example,\r\n\r\n");
	hides_host("GET / HTTP/1.1\r\nHost: a.example,b.example\r\n\r\n");
	hides_host("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
	hides_host("GET http:// HTTP/1.1\r\nHost: a.example@b\r\n\r\n");
	hides_host("GET http://u@a.example/ HTTP/1.1\r\n\r\n");
	hides_host("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n");
	is_whole("ssh", "SSH-2.0-x y\r\n", "ssh version=2.0 software=x");
	is_whole("ssh", "SSH-2.0\r\n", "ssh");
	is_whole("http", "GET / HTTP/1.1\r\nHost: a_b.example.:80\r\n\r\n", "http method=GET path=/ host=a_b.example.");
	is_whole("http", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "http method=GET path=/ host=[::1]");
	is_whole("http", "GET http:// HTTP/1.1\r\nHost: a.example\r\n\r\n", "http method=GET path=/ host=a.example");
	is_whole("xmpp", "<stream:stream xmlns='a'>", "xmpp");
	is_whole("rtsp", "PLAY rtsp://u:p@a.example:1/x@y", "rtsp host=a.example");
	is_whole("rtsp", "OPTIONS * RTSP/1.0\r\n", "rtsp");
	is_whole("sip", "INVITE sip:u;x@a.example;y SIP/2.0", "sip host=a.example");
}

/* More protocols than a reading holds: what is read after them has its place, and the list is said to be cut. */
static void
test_many_protocols(void)
{
	static const uint8_t head[] = { 0x16, 3, 1, 1, 0xbc, 1, 0, 1, 0xb8, 3, 3 };
	uint8_t hello[5 + 4 + 440] = { 0 };
	struct reading r;
	size_t at = 11 + 32;

	memcpy(hello, head, sizeof head);
	hello[at + 2] = 2;		/* one cipher suite, one compression method */
	hello[at + 5] = 1;
	at += 7;
	hello[at] = 1;
	hello[at + 1] = 0x8d;		/* extensions: what is left */
	hello[at + 3] = 16;
	hello[at + 4] = 1;
	hello[at + 5] = 0x89;
	hello[at + 6] = 1;
	hello[at + 7] = 0x87;
	for (at += 8; at + 2 < sizeof hello; at += 3) {
		hello[at] = 2;
		hello[at + 1] = 'p';
		hello[at + 2] = (uint8_t)('0' + at % 64);
	}
	is_int(ask(probe_find("tls"), hello, sizeof hello, &r), PROBE_YES, "a ClientHello with 130 protocols is TLS");
	ok(r.complete && r.count > READING_ATTRIBUTES - PROBE_ATTRIBUTES,
	    "a ClientHello with 130 protocols: %zu attributes are read", r.count);
	ok(r.partial && reading_lacks(&r, "alpn") && !reading_lacks(&r, "sni"),
	    "a ClientHello with 130 protocols: only protocols may be missing");
	is_str(r.attribute[r.count - 1].name, "version", "a ClientHello with 130 protocols: the last attribute is the version");
}

static void
test_driver(void)
{
	uint8_t room[8];
	struct reading r = { .scratch = room, .scratch_left = sizeof room };
	const struct probe *named = NULL;

	is_str(probe_find("https")->name, "tls", "https is tls");
	is_str(probe_find("ssl")->name, "tls", "ssl is tls");
	is_str(probe_find("postgresql")->name, "postgres", "postgresql is postgres");
	is_str(probe_find("h2")->name, "http2", "h2 is http2");
	is_str(probe_find("sybase")->name, "tds", "the last of several aliases is found");
	ok(probe_find("nonsense") == NULL && probe_find("") == NULL && probe_find("mssql sqlserver") == NULL &&
	    probe_find("sybas") == NULL && probe_find("sybasee") == NULL, "what is no protocol is not found");
	for (const struct probe *p = probes; p->name != NULL; p++)
		ok(probe_find(p->name) == p && p->signature != NULL && (p->prefix == NULL || p->bytes == NULL) &&
		    (p->prefix != NULL || p->bytes != NULL || (p->to_yes > 0 && p->parse != NULL)), "%s: the row is whole",
		    p->name);

	ok(reading_keep(&r, span_of("abc", 3)) == room && reading_keep(&r, span_of("def", 3)) == room + 3 &&
	    memcmp(room, "abcdef", 6) == 0, "kept bytes stand side by side");
	ok(reading_keep(&r, span_of("ghi", 3)) == NULL && reading_keep(&r, span_of("gh", 2)) == room + 6,
	    "a reading keeps no more than there is room for");
	for (int i = 0; i < READING_ATTRIBUTES + 3; i++)
		reading_add(&r, "a", span_of("b", 1));
	ok(r.partial && r.count == READING_ATTRIBUTES - PROBE_ATTRIBUTES + 1, "a list leaves room for the other attributes");
	for (int i = 0; i < PROBE_ATTRIBUTES - 1; i++)
		reading_add(&r, (const char *const[]){ "b", "c", "d", "e", "f" }[i], span_of("b", 1));
	is_int(r.count, READING_ATTRIBUTES, "the other attributes have their places behind a list");
	reading_add(&r, "g", span_of("b", 1));
	is_int(r.count, READING_ATTRIBUTES, "a full reading takes no more");

	for (const struct probe *p = probes; p->name != NULL; p++)
		if (verdict_of(p, NULL, 0) != PROBE_MORE)
			ok(false, "%s: nothing is MORE", p->name);
	is_int(probe_identify(span_of(NULL, 0), false, &named, &r), PROBE_MORE, "no bytes may become anything");
	is_int(probe_identify(span_of(NULL, 0), true, &named, &r), PROBE_NO, "no bytes at the end of input are no protocol");
	is_int(probe_identify(span_of("\xf0\xf1\xf2\xf3\xf4", 5), false, &named, &r), PROBE_NO,
	    "unknown bytes are unknown at once");
	is_int(probe_identify(span_of("GET", 3), false, &named, &r), PROBE_MORE, "GET alone is nothing yet");
	is_int(probe_identify(span_of("GET", 3), true, &named, &r), PROBE_NO, "GET alone at the end is nothing");
}

/* The bytes after which a beginning of BYTES, or of zeros, the last byte being any, is refused at the least. */
static size_t
bytes_to_no(const struct probe *probe, const uint8_t *bytes, size_t length)
{
	uint8_t copy[64] = { 0 }, zeros[64] = { 0 };

	for (size_t n = 1; n <= length && n <= sizeof copy; n++) {
		memcpy(copy, bytes, n);
		for (int v = 0; v < 256; v++) {
			copy[n - 1] = zeros[n - 1] = (uint8_t)v;
			if (verdict_of(probe, copy, n) == PROBE_NO || verdict_of(probe, zeros, n) == PROBE_NO)
				return n;
		}
		zeros[n - 1] = 0;
	}
	return SIZE_MAX;
}

/* What --protocols says of the bytes that a YES and a NO need is the least that any sample needs. */
static void
test_numbers(void)
{
	for (const struct probe *p = probes; p->name != NULL; p++) {
		size_t least = SIZE_MAX, refused = SIZE_MAX;
		unsigned yes, no;

		for (size_t i = 0; i < sample_count; i++) {
			size_t n = samples[i].probe == p ? bytes_to_yes(p, samples[i].bytes, samples[i].length) : 0;

			if (n == 0)
				continue;
			least = n < least ? n : least;
			n = bytes_to_no(p, samples[i].bytes, samples[i].length);
			refused = n < refused ? n : refused;
		}
		probe_least(p, &yes, &no);
		if (!ok(least != SIZE_MAX, "%s: there is a sample in tests/corpus", p->name))
			continue;
		is_int((long long)least, yes, "%s: bytes to YES, of the shortest sample and by its row", p->name);
		is_int((long long)refused, no, "%s: bytes to NO, of all samples and by its row", p->name);
	}
}

/* What a row's bytes come to without a sample of it. */
static void
test_least(void)
{
	static const struct {
		const char *bytes;
		unsigned yes, no;
	} rows[] = {
		{ "00", 1, 1 },
		{ "?? 00-ff 1? ??", 4, 3 },
		{ "01 02 03 | 04 05", 2, 1 },
		{ "?? 02 03 | 04 05", 2, 2 },
		{ "01-7f 02 | 04 ?? ?? ?? | ?? ?? 03", 2, 3 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct probe row = { .name = "x", .bytes = rows[i].bytes };
		unsigned yes, no;

		probe_least(&row, &yes, &no);
		is_int(yes, rows[i].yes, "\"%s\": bytes to YES", row.bytes);
		is_int(no, rows[i].no, "\"%s\": bytes to NO", row.bytes);
	}
}

static void
test_alternatives(void)
{
	const struct probe row = { .name = "x", .bytes = "01 02 | 01 03-04 05" };
	static const struct {
		const char *bytes;
		enum verdict verdict;
	} cases[] = {
		{ "\1", PROBE_MORE }, { "\1\2", PROBE_YES }, { "\1\3", PROBE_MORE }, { "\1\4\5", PROBE_YES },
		{ "\1\4\6", PROBE_NO }, { "\1\5", PROBE_NO }, { "\2", PROBE_NO },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_int(verdict_of(&row, (const uint8_t *)cases[i].bytes, strlen(cases[i].bytes)), cases[i].verdict,
		    "alternatives: case %zu", i);
}

/* Any bytes at all: nothing but the contract is asked. */
static void
test_noise(void)
{
	uint8_t noise[256];
	const char *what = NULL;

	for (int i = 0; i < 300 && what == NULL; i++) {
		for (size_t j = 0; j < sizeof noise; j++)
			noise[j] = (uint8_t)rand();
		for (const struct probe *p = probes; p->name != NULL && what == NULL; p++)
			what = broken(p, noise, sizeof noise);
	}
	ok(what == NULL,
	    "no noise is taken for a protocol, and every verdict is final%s%s", what != NULL ? ": " : "", what != NULL ? what : "");
}

int
main(void)
{
	srand(1);
	load_all();
	test_driver();
	for (size_t i = 0; i < sample_count; i++)
		test_sample(&samples[i]);
	for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
		test_signature(sample(signatures[i].name), signatures[i].fixed);
	test_http();
	test_proxy();
	test_redis();
	test_lengths();
	test_dribble();
	test_headers();
	test_records();
	test_ssl2();
	test_cookie();
	test_limits();
	test_many_protocols();
	test_numbers();
	test_least();
	test_alternatives();
	test_noise();
	free_all();
	return done_testing();
}
