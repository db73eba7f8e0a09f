/* The protocols usher knows, a row each. */
#include "probe/probes.h"

/* Sixteen bytes FF. */
#define BGP_MARKER "ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff "

/*
 * What is certain by a long literal comes first, then what has a magic number, then text that needs a terminator, last the formats
 * that begin with a length.  Nothing but samples tests the order.  usher-protocols(7) has what each row says;
 * tests/run/run-protocols.sh compares the two.
 */
const struct probe probes[] = {
	{ .name = "proxy", .aliases = "proxy-protocol proxy_protocol", .parse = probe_proxy, .to_yes = 11,
	    .signature = "PROXY TCP4|TCP6|UNKNOWN, or version 2's 12 bytes" },
	{ .name = "http2", .aliases = "h2 h2c", .prefix = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	    .signature = "the connection preface (prior knowledge)" },
	{ .name = "bittorrent", .aliases = "bt", .prefix = "\x13" "BitTorrent protocol", .signature = "\\x13BitTorrent protocol" },
	{ .name = "jdwp", .prefix = "JDWP-Handshake", .signature = "JDWP-Handshake" },
	/* a length and a type: OPEN, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE-REFRESH, each with its least length */
	{ .name = "bgp", .bytes = BGP_MARKER "00 1d-ff 01 | " BGP_MARKER "01-0f ?? 01-03 | " BGP_MARKER "00 17-ff 02 | "
	    BGP_MARKER "00 15-ff 03 | " BGP_MARKER "00 13 04 | " BGP_MARKER "00 17 05",
	    .signature = "16 bytes FF, a length and a type" },
	/* mainnet, testnet3, testnet4, signet, regtest; then the command */
	{ .name = "bitcoin", .bytes = "f9 be b4 d9 | 0b 11 09 07 | 1c 16 3f 28 | 0a 03 cf 40 | fa bf b5 da",
	    .parse = probe_bitcoin, .to_yes = 16, .signature = "a network's magic number, version" },
	{ .name = "distcc", .prefix = "DIST0000000", .signature = "DIST and its version" },
	{ .name = "adb", .parse = probe_adb, .to_yes = 9, .signature = "CNXN with its check, or 4 digits and host" },
	{ .name = "git", .parse = probe_git, .to_yes = 20, .signature = "a pkt-line with git-upload-* or git-receive-pack",
	    .attributes = { { "repository", ATTRIBUTE_TEXT }, { "host", ATTRIBUTE_HOST } } },
	/* begin string: FIX.4.4, FIXT.1.1 and such */
	{ .name = "fix", .bytes = "38 3d 46 49 58 2e | 38 3d 46 49 58 54", .signature = "8=FIX. or 8=FIXT" },
	/* a length of 156, control message, magic cookie, start of a control connection */
	{ .name = "pptp", .bytes = "00 9c 00 01 1a 2b 3c 4d 00 01", .signature = "a start request with the magic cookie" },
	/*
	 * a size, WIREFORMAT_INFO, its magic, as ActiveMQ's WireFormatInfo has them and Wireshark's packet-openwire.c checks them
	 */
	{ .name = "openwire", .aliases = "activemq", .bytes = "00 00 ?? ?? 01 41 63 74 69 76 65 4d 51",
	    .signature = "a size, 01, ActiveMQ" },
	/*
	 * Initialize with version 1 or 2, vendor, a sub-address below 512 bytes; AsyncInitialize with a session: the parameters are
	 * as Wireshark's packet-hislip.c has them from IVI-6.1
	 */
	{ .name = "hislip", .bytes = "48 53 00 00-03 01-02 ?? ?? ?? 00 00 00 00 00 00 00-01 ?? | "
	    "48 53 11 00 ?? ?? ?? ?? 00 00 00 00 00 00 00 00", .signature = "HS, Initialize or AsyncInitialize" },
	/* a length below a MiB, a small number, a status, a version (OpenSearch sets bit 08) */
	{ .name = "elastic", .aliases = "elasticsearch opensearch", .parse = probe_elastic,
	    .bytes = "45 53 00 00-0f ?? ?? 00 00 00 00 ?? ?? ?? ?? 00-0f 00 | "
	    "45 53 00 00-0f ?? ?? 00 00 00 00 ?? ?? ?? ?? 00-0f 08",
	    .signature = "ES, a request of the transport" },
	{ .name = "c37.118", .aliases = "synchrophasor pmu", .parse = probe_synchrophasor, .to_yes = 18,
	    .signature = "AA, a frame with its checksum" },
	{ .name = "pjl", .aliases = "jetdirect printer", .prefix = "\x1b%-12345X", .signature = "ESC %-12345X" },
	{ .name = "rsync", .prefix = "@RSYNCD: ", .signature = "@RSYNCD:" },
	/* a login request (03, immediate: 43); its first key is at 48 */
	{ .name = "iscsi", .bytes = "03 ?? 00 00 00 00 ?? ?? | 43 ?? 00 00 00 00 ?? ??", .parse = probe_iscsi, .to_yes = 62,
	    .signature = "a login request, InitiatorName= at 48" },
	{ .name = "ssh", .prefix = "SSH-", .parse = probe_ssh, .signature = "SSH-",
	    .attributes = { { "version", ATTRIBUTE_TEXT }, { "software", ATTRIBUTE_TEXT } } },
	{ .name = "tls", .aliases = "https ssl", .parse = probe_tls, .to_yes = 6,
	    .signature = "a ClientHello, SSL 3.0 to TLS 1.3, or SSL 2.0's",
	    .attributes = { { "sni", ATTRIBUTE_HOST }, { "alpn", ATTRIBUTE_TEXT }, { "version", ATTRIBUTE_TEXT },
		{ "ech", ATTRIBUTE_TEXT } } },
	{ .name = "amqp", .aliases = "rabbitmq", .prefix = "AMQP", .parse = probe_amqp, .to_yes = 8,
	    .signature = "AMQP and its version", .attributes = { { "version", ATTRIBUTE_TEXT } } },
	/* flags: always 1, compression 2, large packet 4 */
	{ .name = "zabbix", .bytes = "5a 42 58 44 01-07", .signature = "ZBXD and flags" },
	{ .name = "ceph", .prefix = "ceph v", .signature = "ceph v" },
	/* version 1.x; a message that a client may send */
	{ .name = "giop", .aliases = "corba", .bytes = "47 49 4f 50 01 00-03 ?? 00-07",
	    .signature = "GIOP 1.x and a message type" },
	{ .name = "hadoop", .prefix = "hrpc", .signature = "hrpc" },
	{ .name = "hbase", .prefix = "HBas", .signature = "HBas" },
	{ .name = "ibmmq", .bytes = "54 53 48 20 | 54 53 48 43 | 54 53 48 4d", .signature = "TSH and a space, C or M" },
	/* a length of no more than a URL of 4096 bytes makes */
	{ .name = "opcua", .aliases = "opc-ua", .bytes = "48 45 4c 46 ?? 00-10 00 00", .signature = "HELF and a length" },
	/* version 1 or 2; stream, single-operation or multiplex protocol */
	{ .name = "rmi", .aliases = "java-rmi", .bytes = "4a 52 4d 49 00 01-02 4b-4d", .signature = "JRMI, version, protocol" },
	{ .name = "hl7", .aliases = "mllp", .prefix = "\vMSH", .signature = "VT MSH (MLLP)" },
	{ .name = "t3", .aliases = "weblogic", .bytes = "74 33 20 30-39", .signature = "t3 and a version" },
	{ .name = "gearman", .bytes = "00 52 45 51 00 00 00 01-2a", .signature = "\\0REQ and a request type" },
	{ .name = "dbus", .bytes = "00 41 55 54 48", .signature = "\\0AUTH" },
	{ .name = "zookeeper", .parse = probe_zookeeper, .to_yes = 4,
	    .signature = "a session of version 0, or a four-letter word" },
	{ .name = "redis", .parse = probe_redis, .to_yes = 5, .signature = "*N\\r\\n$, an array of bulk strings" },
	{ .name = "redis-inline", .parse = probe_redis_inline, .to_yes = 4, .named_only = true,
	    .signature = "a command and a space or the end of the line" },
	{ .name = "xmpp", .aliases = "jabber", .parse = probe_xmpp, .to_yes = 15,
	    .signature = "<stream:stream, after <?xml ...?> or without", .attributes = { { "host", ATTRIBUTE_HOST } } },
	{ .name = "stomp", .parse = probe_stomp, .to_yes = 6, .signature = "STOMP or CONNECT alone on a line" },
	{ .name = "rtsp", .parse = probe_rtsp, .to_yes = 12, .signature = "METHOD SP rtsp://, or METHOD SP *|/... SP RTSP/",
	    .attributes = { { "host", ATTRIBUTE_HOST } } },
	{ .name = "sip", .parse = probe_sip, .to_yes = 8,
	    .signature = "METHOD SP sip:, sips: or tel:", .attributes = { { "host", ATTRIBUTE_HOST } } },
	{ .name = "http", .parse = probe_http, .to_yes = 5, .signature = "METHOD SP target, or token SP target SP HTTP/1.",
	    .attributes = { { "method", ATTRIBUTE_TEXT }, { "path", ATTRIBUTE_TEXT }, { "host", ATTRIBUTE_HOST },
		{ "upgrade", ATTRIBUTE_ANY_CASE } } },
	{ .name = "irc", .parse = probe_irc, .to_yes = 5, .signature = "CAP LS, CAP REQ, CAP END, NICK, PASS, whole USER" },
	{ .name = "memcached", .aliases = "memcache", .parse = probe_memcached, .to_yes = 3,
	    .signature = "a command and what ends it, or a binary request" },
	{ .name = "beanstalkd", .aliases = "beanstalk", .parse = probe_beanstalkd, .to_yes = 4,
	    .signature = "a command and a space or the end of the line" },
	{ .name = "tinc", .parse = probe_tinc, .to_yes = 7, .signature = "0 NAME 17, a meta connection's first line" },
	{ .name = "syslog", .parse = probe_syslog, .to_yes = 3, .signature = "<PRI>, or a length before it" },
	{ .name = "mqtt", .parse = probe_mqtt, .to_yes = 9, .signature = "CONNECT of MQTT 3.1, 3.1.1 or 5",
	    .attributes = { { "client_id", ATTRIBUTE_TEXT }, { "user", ATTRIBUTE_TEXT } } },
	/* pre-login or TDS 7 login, alone in its message; or the login of TDS 4 and 5, of which the first packet has 512 bytes */
	{ .name = "tds", .aliases = "mssql sqlserver sybase",
	    .bytes = "12 01 00-10 ?? 00 00 00-01 00 | 10 00-01 00-10 ?? 00 00 00-01 00 | 02 00 02 00 00 00 00-01 00",
	    .signature = "pre-login or login (Microsoft SQL Server, Sybase)" },
	{ .name = "dnp3", .parse = probe_dnp3, .to_yes = 10, .signature = "05 64, link header with its checksum" },
	/* version 5.0 or 5.1, type 11, any flags, data representation little- or big-endian */
	{ .name = "dcerpc", .aliases = "dce-rpc msrpc", .bytes = "05 00-01 0b ?? 10 00 00 00 | 05 00-01 0b ?? 00 00 00 00",
	    .signature = "a bind of version 5" },
	{ .name = "socks5", .parse = probe_socks5, .to_yes = 3, .signature = "05 N and N authentication methods" },
	{ .name = "cassandra", .aliases = "cql", .parse = probe_cassandra, .to_yes = 9,
	    .signature = "OPTIONS or STARTUP of CQL version 3 to 5" },
	{ .name = "socks4", .aliases = "socks4a", .parse = probe_socks4, .to_yes = 9,
	    .signature = "04 01|02 port address user, also 4a", .attributes = { { "destination", ATTRIBUTE_HOST } } },
	{ .name = "rdp", .aliases = "ms-rdp msrdp", .parse = probe_rdp, .to_yes = 11,
	    .signature = "TPKT with an X.224 connection request", .attributes = { { "user", ATTRIBUTE_TEXT } } },
	{ .name = "iso-tsap", .aliases = "cotp s7 mms", .parse = probe_iso_tsap, .to_yes = 13,
	    .signature = "TPKT, X.224 request with a parameter" },
	/* C0, then the start of C1: a time, and zeros or the version of the Flash player that the client stands in for (9 to 32) */
	{ .name = "rtmp", .bytes = "03 ?? ?? ?? ?? 00 00 00 00 | 03 ?? ?? ?? ?? 09-20 00 ?? 00-0f",
	    .signature = "03 time, then zeros or a player's version" },
	{ .name = "ldap", .parse = probe_ldap, .to_yes = 6, .signature = "a message with a request" },
	{ .name = "epmd", .parse = probe_epmd, .to_yes = 3, .signature = "NAMES, PORT_PLEASE2 or ALIVE2" },
	{ .name = "thrift", .parse = probe_thrift, .to_yes = 5, .signature = "a call, binary or compact, framed or not" },
	/* record mark (last fragment, at most 64 KiB), transaction, CALL (0), RPC version 2, program */
	{ .name = "oncrpc", .aliases = "sunrpc nfs portmap", .parse = probe_oncrpc,
	    .bytes = "80 00 ?? ?? ?? ?? ?? ?? 00 00 00 00 00 00 00 02 00-40 ?? ?? ??",
	    .signature = "a record mark and a call of version 2", .attributes = { { "program", ATTRIBUTE_TEXT } } },
	/* version 12.0 or 12.1, type, the first of its session, flags 1 and 4, session, length */
	{ .name = "tacacs", .aliases = "tacacs+",
	    .bytes = "c0-c1 01-03 01 00-01 ?? ?? ?? ?? 00 00 ?? ?? | c0-c1 01-03 01 04-05 ?? ?? ?? ?? 00 00 ?? ??",
	    .signature = "C0 or C1, type, first of its session" },
	{ .name = "x11", .bytes = "6c ?? 0b 00 00 00 | 42 ?? 00 0b 00 00", .signature = "byte order and version 11" },
	/* STARTDT, TESTFR; S frame; the first I frame, of a type of the standard */
	{ .name = "iec104", .aliases = "iec-104",
	    .bytes = "68 04 07 00 00 00 | 68 04 43 00 00 00 | 68 04 01 00 ?? ?? | 68 0a-fd 00 00 00 00 01-7f",
	    .signature = "STARTDT, TESTFR, an S or the first I frame" },
	/* RegisterSession, ListIdentity, ListServices; no session, status 0 */
	{ .name = "ethernet-ip", .aliases = "enip cip", .bytes = "65 00 04 00 00 00 00 00 00 00 00 00 | "
	    "63 00 00 00 00 00 00 00 00 00 00 00 | 04 00 00 00 00 00 00 00 00 00 00 00",
	    .signature = "RegisterSession, ListIdentity, ListServices" },
	/* a length, then forward request (02) or CPing (0A), which is that byte alone */
	{ .name = "ajp", .aliases = "ajp13", .bytes = "12 34 00-20 ?? 02 | 12 34 00 01 0a",
	    .signature = "12 34, a forward request or CPing" },
	{ .name = "diameter", .parse = probe_diameter, .to_yes = 8, .signature = "01, Capabilities-Exchange-Request" },
	/* type 1, a length of four bytes, version 1 */
	{ .name = "dicom", .bytes = "01 00 00 00 ?? ?? 00 01 00 00", .signature = "A-ASSOCIATE-RQ" },
	/* begin of a request for a responder, authorizer or filter; or a question for values */
	{ .name = "fastcgi", .aliases = "fcgi",
	    .bytes = "01 01 ?? ?? 00 08 ?? 00 00 01-03 00-01 00 00 00 00 00 | 01 09 00 00 00-0f ?? 00-07 00",
	    .signature = "01, a begin of a request or GET_VALUES" },
	{ .name = "radius", .parse = probe_radius, .to_yes = 22, .signature = "a request whose attributes fill it" },
	/* IAC, then WILL, DO, DONT, WONT or a subnegotiation, of an assigned option */
	{ .name = "telnet", .bytes = "ff fa-fe 00-31", .signature = "IAC, command, option" },
	{ .name = "postgres", .aliases = "postgresql pgsql", .parse = probe_postgres, .to_yes = 8,
	    .signature = "StartupMessage 3.x; SSL, GSSENC, Cancel request",
	    .attributes = { { "user", ATTRIBUTE_TEXT }, { "database", ATTRIBUTE_TEXT }, { "application_name", ATTRIBUTE_TEXT } } },
	/* NetBIOS session message, below 64 KiB, with SMB 1 or 2 in it; or a session request with two encoded names */
	{ .name = "smb", .aliases = "cifs", .bytes = "00 00 ?? ?? fe-ff 53 4d 42 | 81 00 00 44 20",
	    .signature = "a message with SMB 1 or 2, or a session request" },
	{ .name = "stun", .aliases = "turn", .parse = probe_stun, .to_yes = 8,
	    .signature = "binding or allocate request, magic cookie" },
	{ .name = "kafka", .parse = probe_kafka, .to_yes = 14, .signature = "a request that a client begins with" },
	{ .name = "ads", .aliases = "ams beckhoff", .parse = probe_ads, .to_yes = 34, .signature = "AMS/TCP, a request of ADS" },
	{ .name = "kerberos", .aliases = "krb5", .bytes = "00 00 ?? ?? 6a | 00 00 ?? ?? 6c", .parse = probe_kerberos, .to_yes = 7,
	    .signature = "length, AS-REQ or TGS-REQ" },
	/* a length of 34 and more, no checksum, type 1, flags, no checksum, a version between 300 and 511 */
	{ .name = "tns", .aliases = "oracle",
	    .bytes = "00 22-ff 00 00 01 ?? 00 00 01 2c-ff | 01-1f ?? 00 00 01 ?? 00 00 01 2c-ff",
	    .signature = "an Oracle connect packet" },
	{ .name = "drda", .aliases = "db2", .parse = probe_drda, .to_yes = 10, .to_no = 3, .signature = "length, D0, EXCSAT" },
	{ .name = "dns", .parse = probe_dns, .to_yes = 14, .to_no = 1, .signature = "length, a query with one question" },
	{ .name = "openvpn", .parse = probe_openvpn, .to_yes = 7, .signature = "length, a hard reset from the client",
	    .attributes = { { "opcode", ATTRIBUTE_TEXT } } },
	{ .name = "9p", .aliases = "9p2000", .parse = probe_9p, .to_yes = 19, .signature = "Tversion, 9P2000" },
	{ .name = "winbox", .parse = probe_winbox, .to_yes = 37, .signature = "length, 06, user, key",
	    .attributes = { { "user", ATTRIBUTE_TEXT } } },
	{ .name = "minecraft", .parse = probe_minecraft, .to_yes = 3, .signature = "a handshake, or FE 01 FA",
	    .attributes = { { "host", ATTRIBUTE_HOST } } },
	{ .name = "mongodb", .aliases = "mongo", .parse = probe_mongodb, .to_yes = 16, .to_no = 2,
	    .signature = "OP_MSG, OP_QUERY or OP_COMPRESSED, no response" },
	/* transaction, protocol 0, length, unit, function; 5A is UMAS */
	{ .name = "modbus", .bytes = "?? ?? 00 00 00 02-fe ?? 01-2b | ?? ?? 00 00 00 04-fe ?? 5a", .parse = probe_modbus,
	    .signature = "transaction, protocol 0, length, unit, function" },
	{ .name = NULL },
};
