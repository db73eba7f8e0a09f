/* The parse functions of src/probes/, one file a protocol or family; the contract is in probe.h, each fact's source stands here. */
#ifndef USHER_PROBES_H
#define USHER_PROBES_H

#include "../probe.h"

/*
 * Compare IN, a byte after the other, with SIGNATURE: lower-case hexadecimal bytes parted by single spaces, where `?' is any nibble
 * and LOW-HIGH a range, e.g. "16 03 00-04 ?? ?? 01".  PROBE_NO at the first byte that differs, PROBE_MORE when IN ends before that.
 */
enum verdict probe_signature(struct span in, const char *signature);

/* The same for the LENGTH bytes of LITERAL. */
enum verdict probe_literal(struct span in, const void *literal, size_t length);

enum verdict probe_http(struct span in, struct reading *r);	/* RFC 9112; methods: any token of RFC 9110 */
enum verdict probe_mqtt(struct span in, struct reading *r);	/* OASIS MQTT 3.1.1 and 5.0, section 3.1 CONNECT; MQTT V3.1 (MQIsdp) */
enum verdict probe_postgres(struct span in, struct reading *r);	/* PostgreSQL documentation, "Message Formats" */
enum verdict probe_proxy(struct span in, struct reading *r);	/* HAProxy's proxy-protocol.txt, sections 2.1 and 2.2 */
enum verdict probe_rdp(struct span in, struct reading *r);	/* [MS-RDPBCGR] 2.2.1.1; RFC 1006 TPKT; X.224 connection request */
enum verdict probe_redis(struct span in, struct reading *r);	/* RESP: an array of bulk strings */
enum verdict probe_socks4(struct span in, struct reading *r);	/* SOCKS4 and its extension 4a (openssh.com/txt/socks4.protocol) */
enum verdict probe_socks5(struct span in, struct reading *r);	/* RFC 1928, section 3 */
enum verdict probe_ssh(struct span in, struct reading *r);	/* RFC 4253, section 4.2 */
enum verdict probe_tls(struct span in, struct reading *r);	/* RFC 8446; RFC 6066 SNI; RFC 7301 ALPN; SSLv2 hello: RFC 5246 E.2 */

#endif
