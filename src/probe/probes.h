/*
 * The parse functions of src/probe/, one file per protocol or family; the contract is in probe.h, the source of each fact is here.
 */
#ifndef USHER_PROBES_H
#define USHER_PROBES_H

#include "probe/probe.h"

/*
 * Compare IN, a byte after the other, with SIGNATURE: lower-case hexadecimal bytes parted by single spaces, where `?' is any nibble
 * and LOW-HIGH a range, e.g. "16 03 00-04 ?? ?? 01".  PROBE_NO at the first byte that differs, PROBE_MORE when IN ends before that.
 * " | " parts alternatives, of which the best counts.
 */
enum verdict probe_signature(struct span in, const char *signature);

/* The same for the LENGTH bytes of LITERAL. */
enum verdict probe_literal(struct span in, const void *literal, size_t length);

/* What two ways to say the same protocol come to. */
static inline enum verdict
probe_best(enum verdict a, enum verdict b)
{
	return a > b ? a : b;
}

/* Helpers for text, in text.c.  CHARACTER is a byte or -1, as from span_at(); a token is that of RFC 9110, section 5.6.2. */
bool text_is_alpha(int character);
bool text_is_digit(int character);
bool text_is_token(int character);
/* A letter in lower case, anything else as it is. */
int text_lower(int character);
/* Whether S is WORD; whether it begins with WORD (lower case) in any case. */
bool text_is(struct span s, const char *word);
bool text_begins(struct span s, const char *word);
/* The host of user@host:port; an IPv6 address with its brackets. */
struct span text_host(struct span authority);
/* reading_add(), unless VALUE is empty. */
void text_add(struct reading *r, const char *name, struct span value);
/* Whether IN begins with one of WORDS, which end at NULL. */
enum verdict text_any(struct span in, const char *const words[]);
/* An unsigned number of at most DIGITS digits at the front of IN; PROBE_NO: no digit; PROBE_MORE: it may go on. */
enum verdict text_number(struct span in, unsigned base, size_t digits, size_t *ret_length, unsigned *ret);

enum verdict probe_9p(struct span in, struct reading *r);	/* Plan 9 manual, version(5) */
enum verdict probe_adb(struct span in, struct reading *r);	/* adb's protocol.txt and SERVICES.TXT */
enum verdict probe_ads(struct span in, struct reading *r);	/* Beckhoff: AMS/TCP packet, AMS header */
enum verdict probe_amqp(struct span in, struct reading *r);	/* AMQP 0-9-1 section 4.2.2; AMQP 1.0 section 2.2 */
enum verdict probe_beanstalkd(struct span in, struct reading *r);	/* beanstalkd's doc/protocol.txt */
enum verdict probe_bitcoin(struct span in, struct reading *r);	/* pchMessageStart in Bitcoin Core's kernel/chainparams.cpp */
enum verdict probe_cassandra(struct span in, struct reading *r);	/* Cassandra's native_protocol_v3 to _v5.spec, section 2 */
enum verdict probe_diameter(struct span in, struct reading *r);	/* RFC 6733, sections 3 and 5.3.1 */
enum verdict probe_dnp3(struct span in, struct reading *r);	/* IEEE 1815, data link layer; its cyclic redundancy check */
enum verdict probe_dns(struct span in, struct reading *r);	/* RFC 1035, sections 4.1.1 and 4.2.2 */
enum verdict probe_drda(struct span in, struct reading *r);	/* DRDA volume 3: DSS header, EXCSAT */
enum verdict probe_elastic(struct span in, struct reading *r);	/* TransportStatus.java and TcpHeader.java of Elasticsearch */
enum verdict probe_epmd(struct span in, struct reading *r);	/* Erlang/OTP: "Distribution Protocol", EPMD protocol */
enum verdict probe_git(struct span in, struct reading *r);	/* gitprotocol-pack(5), "Git Transport" */
enum verdict probe_http(struct span in, struct reading *r);	/* RFC 9112; methods: any token of RFC 9110 */
enum verdict probe_irc(struct span in, struct reading *r);	/* RFC 2812, section 3.1; IRCv3 capability negotiation */
enum verdict probe_iso_tsap(struct span in, struct reading *r);	/* RFC 1006; ISO 8073 (X.224), section 13.3 */
enum verdict probe_iscsi(struct span in, struct reading *r);	/* RFC 7143, section 11.12 */
enum verdict probe_kafka(struct span in, struct reading *r);	/* Apache Kafka's protocol guide: request header 1 and 2 */
enum verdict probe_kerberos(struct span in, struct reading *r);	/* RFC 4120, sections 5.4.1 and 7.2.2 */
enum verdict probe_ldap(struct span in, struct reading *r);	/* RFC 4511, sections 4.1.1 and 4.2 to 4.12 */
enum verdict probe_memcached(struct span in, struct reading *r);	/* memcached's protocol.txt and protocol-binary.txt */
enum verdict probe_minecraft(struct span in, struct reading *r);	/* wiki.vg "Protocol": handshake, server list ping */
enum verdict probe_modbus(struct span in, struct reading *r);	/* MODBUS Messaging on TCP/IP, section 3.1.3; UMAS: Schneider */
enum verdict probe_mongodb(struct span in, struct reading *r);	/* MongoDB Wire Protocol: message header, opcodes */
enum verdict probe_mqtt(struct span in, struct reading *r);	/* OASIS MQTT 3.1.1 and 5.0, section 3.1; MQTT V3.1 */
enum verdict probe_oncrpc(struct span in, struct reading *r);	/* RFC 5531, sections 9 and 11 */
enum verdict probe_openvpn(struct span in, struct reading *r);	/* is_openvpn_protocol() in OpenVPN's ps.c */
enum verdict probe_postgres(struct span in, struct reading *r);	/* PostgreSQL documentation, "Message Formats" */
enum verdict probe_proxy(struct span in, struct reading *r);	/* HAProxy's proxy-protocol.txt, sections 2.1 and 2.2 */
enum verdict probe_radius(struct span in, struct reading *r);	/* RFC 2865, section 3; RFC 6613 */
enum verdict probe_rdp(struct span in, struct reading *r);	/* [MS-RDPBCGR] 2.2.1.1; RFC 1006; X.224 */
enum verdict probe_redis(struct span in, struct reading *r);	/* RESP: an array of bulk strings */
enum verdict probe_redis_inline(struct span in, struct reading *r);	/* Redis protocol specification, "Inline commands" */
enum verdict probe_rtsp(struct span in, struct reading *r);	/* RFC 2326, section 6.1; RFC 7826 */
enum verdict probe_sip(struct span in, struct reading *r);	/* RFC 3261, section 7.1; keep-alive of RFC 5626, section 3.5.1 */
enum verdict probe_socks4(struct span in, struct reading *r);	/* SOCKS4 and 4a: openssh.com/txt/socks4.protocol */
enum verdict probe_socks5(struct span in, struct reading *r);	/* RFC 1928, section 3 */
enum verdict probe_ssh(struct span in, struct reading *r);	/* RFC 4253, section 4.2 */
enum verdict probe_stomp(struct span in, struct reading *r);	/* STOMP 1.2, "Connecting" */
enum verdict probe_stun(struct span in, struct reading *r);	/* RFC 8489, section 5; RFC 8656; framing: RFC 4571 */
enum verdict probe_synchrophasor(struct span in, struct reading *r);	/* IEEE C37.118.2, section 6.2 */
enum verdict probe_syslog(struct span in, struct reading *r);	/* RFC 6587, section 3.4; RFC 5424, section 6.2.1 */
enum verdict probe_thrift(struct span in, struct reading *r);	/* thrift-binary-protocol.md, thrift-compact-protocol.md */
enum verdict probe_tinc(struct span in, struct reading *r);	/* send_id() in protocol_auth.c of tinc */
enum verdict probe_tls(struct span in, struct reading *r);	/* RFC 8446; RFC 6066; RFC 7301; SSLv2: RFC 5246 E.2 */
enum verdict probe_winbox(struct span in, struct reading *r);	/* MikroTik: EC-SRP5 key exchange, RouterOS 6.43 and later */
enum verdict probe_xmpp(struct span in, struct reading *r);	/* RFC 6120, section 4.7 */
enum verdict probe_zookeeper(struct span in, struct reading *r);	/* zookeeper.jute: ConnectRequest; four letter words */

/* How many bytes of SIGNATURE decide at the least: a YES and a NO. */
void signature_least(const char *signature, unsigned *yes, unsigned *no);

#endif
