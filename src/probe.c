#include "config.h"

#include "probe.h"

#include <string.h>

#include "probes/probes.h"

/*
 * What is certain by a long literal comes first, then what has a magic number, then text that needs a terminator, last the formats
 * that begin with a length.
 */
const struct probe probes[] = {
	{ .name = "proxy", .parse = probe_proxy, .to_yes = 11, .to_no = 1,
	    .signature = "PROXY TCP4|TCP6|UNKNOWN, or the 12 bytes of version 2" },
	{ .name = "http2", .prefix = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .signature = "the connection preface (prior knowledge)" },
	{ .name = "bittorrent", .prefix = "\x13" "BitTorrent protocol", .signature = "\\x13BitTorrent protocol" },
	{ .name = "jdwp", .prefix = "JDWP-Handshake", .signature = "JDWP-Handshake" },
	{ .name = "rsync", .prefix = "@RSYNCD: ", .signature = "@RSYNCD:" },
	{ .name = "ssh", .prefix = "SSH-", .parse = probe_ssh, .signature = "SSH-",
	    .attributes = { { "version", false }, { "software", false } } },
	{ .name = "tls", .parse = probe_tls, .to_yes = 6, .to_no = 1, .signature = "a ClientHello of SSL 3.0 to TLS 1.3, or of SSL 2.0",
	    .attributes = { { "sni", true }, { "alpn", false }, { "version", false }, { "ech", false } } },
	{ .name = "amqp", .prefix = "AMQP", .signature = "AMQP" },
	{ .name = "zabbix", .prefix = "ZBXD", .signature = "ZBXD" },
	{ .name = "redis", .parse = probe_redis, .to_yes = 5, .to_no = 1, .signature = "*N\\r\\n$, an array of bulk strings" },
	{ .name = "http", .parse = probe_http, .to_yes = 5, .to_no = 1, .signature = "METHOD SP target, or any token SP target SP HTTP/1.",
	    .attributes = { { "method", false }, { "path", false }, { "host", true }, { "upgrade", false } } },
	{ .name = "mqtt", .parse = probe_mqtt, .to_yes = 9, .to_no = 1, .signature = "CONNECT of MQTT 3.1, 3.1.1 or 5",
	    .attributes = { { "client", false }, { "user", false } } },
	{ .name = "socks5", .parse = probe_socks5, .to_yes = 3, .to_no = 1, .signature = "05 N and N authentication methods" },
	{ .name = "socks4", .parse = probe_socks4, .to_yes = 9, .to_no = 1, .signature = "04 01|02 port address user, also 4a",
	    .attributes = { { "destination", true } } },
	{ .name = "rdp", .parse = probe_rdp, .to_yes = 11, .to_no = 1, .signature = "TPKT with an X.224 connection request",
	    .attributes = { { "user", false } } },
	{ .name = "postgres", .parse = probe_postgres, .to_yes = 8, .to_no = 1,
	    .signature = "StartupMessage 3.x, SSLRequest, GSSENCRequest, CancelRequest",
	    .attributes = { { "user", false }, { "database", false }, { "application_name", false } } },
	{ .name = NULL },
};

static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "bt", "bittorrent" },
	{ "h2", "http2" },
	{ "h2c", "http2" },
	{ "https", "tls" },
	{ "ms-rdp", "rdp" },
	{ "msrdp", "rdp" },
	{ "pgsql", "postgres" },
	{ "postgresql", "postgres" },
	{ "proxy-protocol", "proxy" },
	{ "proxy_protocol", "proxy" },
	{ "socks4a", "socks4" },
	{ "ssl", "tls" },
};

const struct probe *
probe_find(const char *name)
{
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		if (strcmp(name, aliases[i].alias) == 0)
			name = aliases[i].name;
	for (const struct probe *p = probes; p->name != NULL; p++)
		if (strcmp(name, p->name) == 0)
			return p;
	return NULL;
}

enum verdict
probe_read(const struct probe *probe, struct span in, struct reading *r)
{
	enum verdict verdict = PROBE_YES;

	r->want = 0;
	r->complete = false;
	r->count = 0;
	if (in.length == 0)
		return PROBE_MORE;
	if (probe->prefix != NULL)
		verdict = probe_literal(in, probe->prefix, strlen(probe->prefix));
	if (verdict == PROBE_YES && probe->parse != NULL)
		verdict = probe->parse(in, r);
	if (verdict != PROBE_YES)
		r->count = 0;
	r->complete = verdict == PROBE_YES && (r->complete || probe->attributes[0].name == NULL);
	if (verdict == PROBE_NO || r->complete || r->want <= in.length)
		r->want = 0;
	return verdict;
}

enum verdict
probe_identify(struct span in, bool final, const struct probe **ret_probe, struct reading *r)
{
	uint8_t *scratch = r->scratch;
	size_t scratch_left = r->scratch_left;

	for (const struct probe *p = probes; p->name != NULL; p++) {
		enum verdict verdict;

		r->scratch = scratch;
		r->scratch_left = scratch_left;
		verdict = probe_read(p, in, r);
		if (verdict == PROBE_YES)
			*ret_probe = p;
		if (verdict == PROBE_YES || (verdict == PROBE_MORE && !final))
			return verdict;
	}
	return PROBE_NO;
}

void
reading_add(struct reading *r, const char *name, struct span value)
{
	if (r->count == READING_ATTRIBUTES)
		return;
	r->attribute[r->count++] = (struct attribute){ name, value };
}

uint8_t *
reading_keep(struct reading *r, struct span value)
{
	uint8_t *kept = r->scratch;

	if (value.length > r->scratch_left)
		return NULL;
	if (value.length > 0)
		memcpy(kept, value.bytes, value.length);
	r->scratch += value.length;
	r->scratch_left -= value.length;
	return kept;
}

enum verdict
probe_literal(struct span in, const void *literal, size_t length)
{
	if (!span_agrees(in, literal, length))
		return PROBE_NO;
	return in.length < length ? PROBE_MORE : PROBE_YES;
}

/* One byte of a signature: two hexadecimal digits, `?' giving the least or the greatest digit. */
static int
signature_byte(const char *digits, int any)
{
	int value = 0;

	for (int i = 0; i < 2; i++) {
		int d = digits[i];

		value = value << 4 | (d == '?' ? any : d <= '9' ? d - '0' : d - 'a' + 10);
	}
	return value;
}

enum verdict
probe_signature(struct span in, const char *signature)
{
	for (size_t i = 0; *signature != '\0'; i++) {
		int byte = span_at(in, i);
		int low = signature_byte(signature, 0), high = signature_byte(signature, 15);

		if (byte < 0)
			return PROBE_MORE;
		signature += 2;
		if (*signature == '-') {
			high = signature_byte(signature + 1, 15);
			signature += 3;
		}
		if (byte < low || byte > high)
			return PROBE_NO;
		if (*signature == ' ')
			signature++;
	}
	return PROBE_YES;
}
