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
	{ .name = "bgp", .parse = probe_bgp, .to_yes = 19, .to_no = 1, .signature = "16 bytes FF, an OPEN message" },
	{ .name = "bitcoin", .parse = probe_bitcoin, .to_yes = 16, .to_no = 1,
	    .signature = "a network's magic number, version" },
	{ .name = "distcc", .prefix = "DIST0000000", .signature = "DIST and its version" },
	{ .name = "adb", .parse = probe_adb, .to_yes = 9, .to_no = 1,
	    .signature = "CNXN from host to daemon, or a line that begins with host" },
	{ .name = "git", .parse = probe_git, .to_yes = 20, .to_no = 1,
	    .signature = "a pkt-line with git-upload-pack, git-receive-pack or git-upload-archive",
	    .attributes = { { "repository", false }, { "host", true } } },
	{ .name = "pjl", .prefix = "\x1b%-12345X", .signature = "ESC %-12345X" },
	{ .name = "rsync", .prefix = "@RSYNCD: ", .signature = "@RSYNCD:" },
	{ .name = "iscsi", .parse = probe_iscsi, .to_yes = 62, .to_no = 1,
	    .signature = "a login request that begins with InitiatorName=" },
	{ .name = "ssh", .prefix = "SSH-", .parse = probe_ssh, .to_yes = 4, .to_no = 1, .signature = "SSH-",
	    .attributes = { { "version", false }, { "software", false } } },
	{ .name = "tls", .parse = probe_tls, .to_yes = 6, .to_no = 1,
	    .signature = "a ClientHello of SSL 3.0 to TLS 1.3, or of SSL 2.0",
	    .attributes = { { "sni", true }, { "alpn", false }, { "version", false }, { "ech", false } } },
	{ .name = "amqp", .prefix = "AMQP", .parse = probe_amqp, .to_yes = 8, .to_no = 1, .signature = "AMQP and its version",
	    .attributes = { { "version", false } } },
	{ .name = "zabbix", .parse = probe_zabbix, .to_yes = 5, .to_no = 1, .signature = "ZBXD and flags" },
	{ .name = "ceph", .prefix = "ceph v", .signature = "ceph v" },
	{ .name = "giop", .parse = probe_giop, .to_yes = 8, .to_no = 1, .signature = "GIOP 1.x and a message type" },
	{ .name = "hadoop", .prefix = "hrpc", .signature = "hrpc" },
	{ .name = "hbase", .prefix = "HBas", .signature = "HBas" },
	{ .name = "ibmmq", .parse = probe_ibmmq, .to_yes = 4, .to_no = 1, .signature = "TSH, TSHC or TSHM" },
	{ .name = "opcua", .parse = probe_opcua, .to_yes = 8, .to_no = 1, .signature = "HELF and a length" },
	{ .name = "rmi", .parse = probe_rmi, .to_yes = 7, .to_no = 1, .signature = "JRMI, version, protocol" },
	{ .name = "hl7", .prefix = "\vMSH", .signature = "VT MSH (MLLP)" },
	{ .name = "t3", .parse = probe_t3, .to_yes = 4, .to_no = 1, .signature = "t3 and a version" },
	{ .name = "gearman", .parse = probe_gearman, .to_yes = 8, .to_no = 1, .signature = "\\0REQ and a request type" },
	{ .name = "dbus", .parse = probe_dbus, .to_yes = 5, .to_no = 1, .signature = "\\0AUTH" },
	{ .name = "zookeeper", .parse = probe_zookeeper, .to_yes = 4, .to_no = 1,
	    .signature = "a session of version 0, or a four-letter word" },
	{ .name = "redis", .parse = probe_redis, .to_yes = 5, .to_no = 1, .signature = "*N\\r\\n$, an array of bulk strings" },
	{ .name = "xmpp", .parse = probe_xmpp, .to_yes = 15, .to_no = 1,
	    .signature = "<stream:stream, after <?xml ...?> or without",
	    .attributes = { { "host", true } } },
	{ .name = "stomp", .parse = probe_stomp, .to_yes = 6, .to_no = 1, .signature = "STOMP or CONNECT alone on a line" },
	{ .name = "rtsp", .parse = probe_rtsp, .to_yes = 12, .to_no = 1,
	    .signature = "METHOD SP rtsp://, or METHOD SP * SP RTSP/",
	    .attributes = { { "host", true } } },
	{ .name = "sip", .parse = probe_sip, .to_yes = 8, .to_no = 1, .signature = "METHOD SP sip: or sips:",
	    .attributes = { { "host", true } } },
	{ .name = "http", .parse = probe_http, .to_yes = 5, .to_no = 1,
	    .signature = "METHOD SP target, or any token SP target SP HTTP/1.",
	    .attributes = { { "method", false }, { "path", false }, { "host", true }, { "upgrade", false } } },
	{ .name = "irc", .parse = probe_irc, .to_yes = 5, .to_no = 1, .signature = "CAP LS, NICK, USER or PASS" },
	{ .name = "memcached", .parse = probe_memcached, .to_yes = 3, .to_no = 1,
	    .signature = "a command and a space or the end of the line; or a binary request" },
	{ .name = "beanstalkd", .parse = probe_beanstalkd, .to_yes = 4, .to_no = 1,
	    .signature = "a command and a space or the end of the line" },
	{ .name = "tinc", .parse = probe_tinc, .to_yes = 7, .to_no = 1,
	    .signature = "0 NAME 17, the identification of a meta connection" },
	{ .name = "syslog", .parse = probe_syslog, .to_yes = 3, .to_no = 1, .signature = "<PRI>, or a length before it" },
	{ .name = "mqtt", .parse = probe_mqtt, .to_yes = 9, .to_no = 1, .signature = "CONNECT of MQTT 3.1, 3.1.1 or 5",
	    .attributes = { { "client_id", false }, { "user", false } } },
	{ .name = "tds", .parse = probe_tds, .to_yes = 8, .to_no = 1,
	    .signature = "a TDS pre-login or login (Microsoft SQL Server, Sybase)" },
	{ .name = "dnp3", .parse = probe_dnp3, .to_yes = 10, .to_no = 1, .signature = "05 64, link header with its checksum" },
	{ .name = "dcerpc", .parse = probe_dcerpc, .to_yes = 8, .to_no = 1, .signature = "a bind of version 5" },
	{ .name = "socks5", .parse = probe_socks5, .to_yes = 3, .to_no = 1, .signature = "05 N and N authentication methods" },
	{ .name = "cassandra", .parse = probe_cassandra, .to_yes = 9, .to_no = 1,
	    .signature = "OPTIONS or STARTUP of CQL version 3 to 5" },
	{ .name = "socks4", .parse = probe_socks4, .to_yes = 9, .to_no = 1, .signature = "04 01|02 port address user, also 4a",
	    .attributes = { { "destination", true } } },
	{ .name = "rdp", .parse = probe_rdp, .to_yes = 11, .to_no = 1, .signature = "TPKT with an X.224 connection request",
	    .attributes = { { "user", false } } },
	{ .name = "rtmp", .parse = probe_rtmp, .to_yes = 9, .to_no = 1,
	    .signature = "03 time, then zeros or a player's version" },
	{ .name = "ldap", .parse = probe_ldap, .to_yes = 6, .to_no = 1, .signature = "a bind, search or extended request" },
	{ .name = "epmd", .parse = probe_epmd, .to_yes = 3, .to_no = 1, .signature = "NAMES, PORT_PLEASE2 or ALIVE2" },
	{ .name = "thrift", .parse = probe_thrift, .to_yes = 5, .to_no = 1,
	    .signature = "a call, binary or compact, framed or not" },
	{ .name = "oncrpc", .parse = probe_oncrpc, .to_yes = 20, .to_no = 1,
	    .signature = "a record mark and a call of version 2",
	    .attributes = { { "program", false } } },
	{ .name = "tacacs", .parse = probe_tacacs, .to_yes = 12, .to_no = 1,
	    .signature = "C0 or C1, type, first of its session" },
	{ .name = "x11", .parse = probe_x11, .to_yes = 6, .to_no = 1, .signature = "byte order and version 11" },
	{ .name = "iec104", .parse = probe_iec104, .to_yes = 6, .to_no = 1, .signature = "STARTDT or TESTFR" },
	{ .name = "ajp", .parse = probe_ajp, .to_yes = 5, .to_no = 1, .signature = "12 34, a forward request or CPing" },
	{ .name = "diameter", .parse = probe_diameter, .to_yes = 8, .to_no = 1,
	    .signature = "01, Capabilities-Exchange-Request" },
	{ .name = "dicom", .parse = probe_dicom, .to_yes = 10, .to_no = 1, .signature = "A-ASSOCIATE-RQ" },
	{ .name = "radius", .parse = probe_radius, .to_yes = 22, .to_no = 1, .signature = "a request whose attributes fill it" },
	{ .name = "telnet", .parse = probe_telnet, .to_yes = 3, .to_no = 1, .signature = "IAC, command, option" },
	{ .name = "postgres", .parse = probe_postgres, .to_yes = 8, .to_no = 1,
	    .signature = "StartupMessage 3.x, SSLRequest, GSSENCRequest, CancelRequest",
	    .attributes = { { "user", false }, { "database", false }, { "application_name", false } } },
	{ .name = "smb", .parse = probe_smb, .to_yes = 5, .to_no = 1,
	    .signature = "a session message with SMB 1 or 2, or a session request" },
	{ .name = "stun", .parse = probe_stun, .to_yes = 8, .to_no = 1,
	    .signature = "a binding or allocate request with the magic cookie" },
	{ .name = "kafka", .parse = probe_kafka, .to_yes = 14, .to_no = 1, .signature = "an ApiVersions or Metadata request" },
	{ .name = "kerberos", .parse = probe_kerberos, .to_yes = 7, .to_no = 1, .signature = "length, AS-REQ or TGS-REQ" },
	{ .name = "tns", .parse = probe_tns, .to_yes = 10, .to_no = 1, .signature = "an Oracle connect packet" },
	{ .name = "drda", .parse = probe_drda, .to_yes = 10, .to_no = 3, .signature = "length, D0, EXCSAT" },
	{ .name = "dns", .parse = probe_dns, .to_yes = 14, .to_no = 2, .signature = "length, a query with one question" },
	{ .name = "openvpn", .parse = probe_openvpn, .to_yes = 7, .to_no = 1,
	    .signature = "length, a hard reset from the client",
	    .attributes = { { "opcode", false } } },
	{ .name = "9p", .parse = probe_9p, .to_yes = 19, .to_no = 1, .signature = "Tversion, 9P2000" },
	{ .name = "winbox", .parse = probe_winbox, .to_yes = 37, .to_no = 1, .signature = "length, 06, user, key",
	    .attributes = { { "user", false } } },
	{ .name = "minecraft", .parse = probe_minecraft, .to_yes = 3, .to_no = 1, .signature = "a handshake, or FE 01 FA",
	    .attributes = { { "host", true } } },
	{ .name = "mongodb", .parse = probe_mongodb, .to_yes = 16, .to_no = 2,
	    .signature = "a message in response to none, OP_MSG, OP_QUERY or OP_COMPRESSED" },
	{ .name = "modbus", .parse = probe_modbus, .to_yes = 8, .to_no = 3,
	    .signature = "transaction, protocol 0, length, unit, function" },
	{ .name = NULL },
};

static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "9p2000", "9p" },
	{ "ajp13", "ajp" },
	{ "beanstalk", "beanstalkd" },
	{ "bt", "bittorrent" },
	{ "cifs", "smb" },
	{ "corba", "giop" },
	{ "cql", "cassandra" },
	{ "db2", "drda" },
	{ "dce-rpc", "dcerpc" },
	{ "h2", "http2" },
	{ "h2c", "http2" },
	{ "https", "tls" },
	{ "iec-104", "iec104" },
	{ "jabber", "xmpp" },
	{ "java-rmi", "rmi" },
	{ "jetdirect", "pjl" },
	{ "krb5", "kerberos" },
	{ "memcache", "memcached" },
	{ "mllp", "hl7" },
	{ "mongo", "mongodb" },
	{ "ms-rdp", "rdp" },
	{ "msrdp", "rdp" },
	{ "msrpc", "dcerpc" },
	{ "mssql", "tds" },
	{ "nfs", "oncrpc" },
	{ "opc-ua", "opcua" },
	{ "oracle", "tns" },
	{ "pgsql", "postgres" },
	{ "portmap", "oncrpc" },
	{ "postgresql", "postgres" },
	{ "printer", "pjl" },
	{ "proxy-protocol", "proxy" },
	{ "proxy_protocol", "proxy" },
	{ "rabbitmq", "amqp" },
	{ "socks4a", "socks4" },
	{ "sqlserver", "tds" },
	{ "ssl", "tls" },
	{ "sunrpc", "oncrpc" },
	{ "sybase", "tds" },
	{ "tacacs+", "tacacs" },
	{ "turn", "stun" },
	{ "weblogic", "t3" },
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
