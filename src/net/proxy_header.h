/*
 * The header of the PROXY protocol, in front of a connection's bytes, which tells who the client is.  Versions 1 and 2 as in
 * https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 */
#ifndef USHER_PROXY_HEADER_H
#define USHER_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "net/address.h"

enum proxy_version { PROXY_OFF, PROXY_V1, PROXY_V2 };

/* More than the longest header that proxy_header_format() makes. */
#define PROXY_HEADER_MAX 720
/* The longest authority and the longest ALPN that it takes; RFC 7301 has no longer ones, and DNS no longer names. */
#define PROXY_VALUE_MAX 255
/* The longest unique id, as the protocol has it. */
#define PROXY_ID_MAX 128

/*
 * from: the client; to: the address that it connected to; length 0: not known.  The rest is of version 2 alone, and an empty one is
 * left out, as is one that is too long.
 */
struct proxy_header {
	struct address from, to;
	struct span authority;	/* the name that the client asked for (SNI) */
	struct span alpn;
	struct span id;
};

/*
 * Write H to TEXT.  A client whose address is not known, or is not IP, is UNKNOWN in version 1 and LOCAL in version 2; an address
 * of our own that is not known is zeroes.  Where one address is IPv4 and the other IPv6, both are written as IPv6, one of them
 * mapped.  Version 2 has a CRC32c.  Returns the length.
 */
size_t proxy_header_format(const struct proxy_header *h, enum proxy_version version, uint8_t text[PROXY_HEADER_MAX]);

/* The longest header that is accepted; those in use have some hundred bytes. */
#define PROXY_HEADER_MOST 4096

/* What is wrong with a header.  PROXY_UNEXPECTED: there is one, from somebody who may not send any. */
enum proxy_fault {
	PROXY_FINE,
	PROXY_MISSING,
	PROXY_VERSION1,
	PROXY_COMMAND,
	PROXY_FAMILY,
	PROXY_SHORT,
	PROXY_LONG,
	PROXY_TLV,
	PROXY_CRC,
	PROXY_ENDED,
	PROXY_LATE,
	PROXY_UNEXPECTED,
	PROXY_FAULTS
};

/*
 * Look for a header at the beginning of BYTES.  Returns its length, with PROXY_FINE and the addresses in *ret, those of LOCAL,
 * UNKNOWN and UNSPEC with length 0, and those of IPv4 as IPv4 even where they are mapped; or 0: with PROXY_FINE more bytes are
 * needed, else that is what is wrong.  Of the rest of version 2 the CRC32c is checked where there is one, and what is unknown is
 * passed over.
 */
size_t proxy_header_parse(struct span bytes, struct proxy_header *ret, enum proxy_fault *ret_fault);

/* Whether BYTES begin as a header does, as far as they go; *ret_surely: they go far enough that they are nothing else. */
bool proxy_header_begins(struct span bytes, bool *ret_surely);

/* FAULT in words. */
const char *proxy_fault_text(enum proxy_fault fault);

#endif
