#include "config.h"

#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

/* Version 2: signature, version and command, family and protocol, length. */
static const uint8_t signature[] = { '\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n' };
#define AT_COMMAND 12
#define AT_FAMILY 13
#define AT_LENGTH 14
#define AT_ADDRESSES 16

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
enum { FAMILY_NONE = 0x00, FAMILY_TCP4 = 0x11, FAMILY_TCP6 = 0x21, FAMILY_UNIX = 0x31 };
enum { TLV_ALPN = 1, TLV_AUTHORITY = 2, TLV_CRC32C = 3, TLV_ID = 5 };

#define CRC_LENGTH 4
#define TCP4_LENGTH 12
#define TCP6_LENGTH 36
#define UNIX_PATH 108
_Static_assert(sizeof(((struct sockaddr_un *)NULL)->sun_path) == UNIX_PATH, "a path is as long here");

/* The family of both addresses. */
static uint8_t
family(const struct proxy_header *h)
{
	const struct address *from = &h->from, *to = &h->to;

	/* there is a family for Unix sockets, but HAProxy 2.6 refuses it */
	if (!address_is_ip(from))
		return FAMILY_NONE;
	if (from->sa.sa_family == AF_INET6 || (to->length > 0 && to->sa.sa_family == AF_INET6))
		return FAMILY_TCP6;
	return FAMILY_TCP4;
}

/* The host part of A as IPv6, IPv4 mapped, and zeroes where it is not IP. */
static struct in6_addr
as_ipv6(const struct address *a)
{
	struct in6_addr host = { 0 };

	if (a->length > 0 && a->sa.sa_family == AF_INET6)
		return a->in6.sin6_addr;
	if (a->length > 0 && a->sa.sa_family == AF_INET) {
		host.s6_addr[10] = host.s6_addr[11] = 0xff;
		memcpy(host.s6_addr + 12, &a->in.sin_addr, 4);
	}
	return host;
}

static struct in_addr
as_ipv4(const struct address *a)
{
	return a->length > 0 && a->sa.sa_family == AF_INET ? a->in.sin_addr : (struct in_addr){ 0 };
}

static uint16_t
port(const struct address *a)
{
	return address_is_ip(a) ? (uint16_t)address_port(a) : 0;
}

static size_t
format_v1(const struct proxy_header *h, char *text)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	struct in6_addr from6, to6;
	struct in_addr from4, to4;
	const char *name = "TCP4";

	switch (family(h)) {
	case FAMILY_TCP4:
		from4 = as_ipv4(&h->from);
		to4 = as_ipv4(&h->to);
		inet_ntop(AF_INET, &from4, from, sizeof from);
		inet_ntop(AF_INET, &to4, to, sizeof to);
		break;
	case FAMILY_TCP6:
		name = "TCP6";
		from6 = as_ipv6(&h->from);
		to6 = as_ipv6(&h->to);
		inet_ntop(AF_INET6, &from6, from, sizeof from);
		inet_ntop(AF_INET6, &to6, to, sizeof to);
		break;
	default:
		return (size_t)sprintf(text, "PROXY UNKNOWN\r\n");
	}
	return (size_t)sprintf(text, "PROXY %s %s %s %u %u\r\n", name, from, to, port(&h->from), port(&h->to));
}

static uint8_t *
put(uint8_t *to, const void *bytes, size_t length)
{
	memcpy(to, bytes, length);
	return to + length;
}

static uint8_t *
put_number(uint8_t *to, size_t number)
{
	to[0] = (uint8_t)(number >> 8);
	to[1] = (uint8_t)number;
	return to + 2;
}

static uint8_t *
put_addresses(uint8_t *to, uint8_t of_family, const struct proxy_header *h)
{
	struct in6_addr host6;
	struct in_addr host4;

	switch (of_family) {
	case FAMILY_TCP4:
		host4 = as_ipv4(&h->from);
		to = put(to, &host4, sizeof host4);
		host4 = as_ipv4(&h->to);
		to = put(to, &host4, sizeof host4);
		break;
	case FAMILY_TCP6:
		host6 = as_ipv6(&h->from);
		to = put(to, &host6, sizeof host6);
		host6 = as_ipv6(&h->to);
		to = put(to, &host6, sizeof host6);
		break;
	default:
		return to;
	}
	return put_number(put_number(to, port(&h->from)), port(&h->to));
}

static uint8_t *
put_value(uint8_t *to, uint8_t type, struct span value, size_t most)
{
	if (value.length == 0 || value.length > most)
		return to;
	*to++ = type;
	return put(put_number(to, value.length), value.bytes, value.length);
}

/* RFC 3720, appendix B.4.  A bit at a time: it is for some hundred bytes. */
static uint32_t
crc32c(const uint8_t *bytes, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static size_t
format_v2(const struct proxy_header *h, uint8_t *text)
{
	uint8_t of_family = family(h), *end = put(text, signature, sizeof signature);
	uint32_t crc;

	*end++ = of_family == FAMILY_NONE ? COMMAND_LOCAL : COMMAND_PROXY;
	*end++ = of_family;
	end = put_addresses(text + AT_ADDRESSES, of_family, h);
	end = put_value(end, TLV_ALPN, h->alpn, PROXY_VALUE_MAX);
	end = put_value(end, TLV_AUTHORITY, h->authority, PROXY_VALUE_MAX);
	end = put_value(end, TLV_ID, h->id, PROXY_ID_MAX);
	end = put_value(end, TLV_CRC32C, span_of("\0\0\0", CRC_LENGTH), CRC_LENGTH);
	put_number(text + AT_LENGTH, (size_t)(end - text) - AT_ADDRESSES);
	crc = htonl(crc32c(text, (size_t)(end - text)));
	memcpy(end - CRC_LENGTH, &crc, CRC_LENGTH);
	return (size_t)(end - text);
}

size_t
proxy_header_format(const struct proxy_header *h, enum proxy_version version, uint8_t text[PROXY_HEADER_MAX])
{
	_Static_assert(AT_ADDRESSES + TCP6_LENGTH + 4 * 3 + 2 * PROXY_VALUE_MAX + PROXY_ID_MAX + CRC_LENGTH <= PROXY_HEADER_MAX,
	    "the longest has room");
	return version == PROXY_V1 ? format_v1(h, (char *)text) : format_v2(h, text);
}

/* --- the other way --- */

/* Of version 1, with its end: what the longest IPv6 addresses take. */
#define LINE_MAX_V1 107

/* The next word of LINE, which ends at one space or at the end.  Returns whether there is one that fits. */
static bool
next_word(struct span *line, char *word, size_t size)
{
	size_t length = span_find(*line, 0, ' ');

	if (length == 0 || length >= size || memchr(line->bytes, '\0', length) != NULL)
		return false;
	memcpy(word, line->bytes, length);
	word[length] = '\0';
	span_skip(line, length < line->length ? length + 1 : length);
	return true;
}

static bool
take_port(struct span *line, in_port_t *ret)
{
	char word[8];
	uint64_t number;

	if (!next_word(line, word, sizeof word) || (word[0] == '0' && word[1] != '\0') ||
	    number_parse(word, UINT16_MAX, &number) < 0)
		return false;
	*ret = htons((uint16_t)number);
	return true;
}

static bool
take_host(struct span *line, sa_family_t of, struct address *ret)
{
	char word[INET6_ADDRSTRLEN];

	*ret = (struct address){ .length = of == AF_INET ? sizeof ret->in : sizeof ret->in6 };
	ret->sa.sa_family = of;
	return next_word(line, word, sizeof word) &&
	    inet_pton(of, word, of == AF_INET ? (void *)&ret->in.sin_addr : (void *)&ret->in6.sin6_addr) == 1;
}

/* LINE, of version 1, behind PROXY and without its end. */
static bool
parse_line(struct span line, struct proxy_header *ret)
{
	char protocol[8];
	struct span rest = line;
	sa_family_t of;

	if (!next_word(&rest, protocol, sizeof protocol))
		return false;
	if (strcmp(protocol, "UNKNOWN") == 0)
		return true;
	if (strcmp(protocol, "TCP4") != 0 && strcmp(protocol, "TCP6") != 0)
		return false;
	of = protocol[3] == '4' ? AF_INET : AF_INET6;
	if (!take_host(&rest, of, &ret->from) || !take_host(&rest, of, &ret->to))
		return false;
	/* both families have the port in the same place */
	if (!take_port(&rest, &ret->from.in.sin_port) || !take_port(&rest, &ret->to.in.sin_port) || rest.length > 0)
		return false;
	/* one space at the end would have been taken with the port */
	return line.bytes[line.length - 1] != ' ';
}

static const char proxy[] = "PROXY ";
#define PROXY_WORD (sizeof proxy - 1)

static size_t
parse_v1(struct span bytes, struct proxy_header *ret, enum proxy_fault *ret_fault)
{
	struct span line = span_slice(bytes, 0, LINE_MAX_V1);
	size_t end = span_find(line, 0, '\r');

	if (end + 1 >= line.length && line.length < LINE_MAX_V1)
		return 0;
	*ret_fault = PROXY_VERSION1;
	if (span_at(line, end + 1) != '\n' || !parse_line(span_slice(line, PROXY_WORD, end), ret))
		return 0;
	*ret_fault = PROXY_FINE;
	return end + 2;
}

/* How many bytes the addresses of family and protocol OF take, -1: there are none of this number that fit a stream. */
static int
addresses_length(uint8_t of)
{
	switch (of) {
	case FAMILY_NONE:
		return 0;
	case FAMILY_TCP4:
		return TCP4_LENGTH;
	case FAMILY_TCP6:
		return TCP6_LENGTH;
	case FAMILY_UNIX:
		return 2 * UNIX_PATH;
	}
	return -1;
}

static struct address
take_path(const uint8_t *bytes)
{
	struct address a = { 0 };
	size_t length = UNIX_PATH;

	while (length > 0 && bytes[length - 1] == '\0')
		length--;
	a.un.sun_family = AF_UNIX;
	memcpy(a.un.sun_path, bytes, length);
	a.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return a;
}

static void
take_addresses(uint8_t of_family, const uint8_t *bytes, struct proxy_header *ret)
{
	struct address *both[] = { &ret->from, &ret->to };

	for (size_t i = 0; i < 2; i++) {
		struct address *a = both[i];

		switch (of_family) {
		case FAMILY_UNIX:
			*a = take_path(bytes + i * UNIX_PATH);
			break;
		case FAMILY_TCP4:
			*a = (struct address){ .length = sizeof a->in };
			a->in.sin_family = AF_INET;
			memcpy(&a->in.sin_addr, bytes + i * 4, 4);
			memcpy(&a->in.sin_port, bytes + 8 + i * 2, 2);
			break;
		case FAMILY_TCP6:
			*a = (struct address){ .length = sizeof a->in6 };
			a->in6.sin6_family = AF_INET6;
			memcpy(&a->in6.sin6_addr, bytes + i * 16, 16);
			memcpy(&a->in6.sin6_port, bytes + 32 + i * 2, 2);
			break;
		default:
			return;
		}
	}
}

/* Go through the TLVs of HEADER, which REST is. */
static enum proxy_fault
check_tlvs(struct span header, struct span rest)
{
	uint8_t copy[PROXY_HEADER_MOST];
	bool had_crc = false;

	while (rest.length > 0) {
		struct span value, crc;
		uint32_t sent;
		uint8_t type;
		uint16_t length;

		if (!span_u8(&rest, &type) || !span_be16(&rest, &length) || !span_take(&rest, length, &value))
			return PROXY_TLV;
		if (type != TLV_CRC32C)
			continue;
		crc = value;
		if (length != CRC_LENGTH || had_crc || !span_be32(&crc, &sent))
			return PROXY_CRC;
		had_crc = true;
		memcpy(copy, header.bytes, header.length);
		memset(copy + (value.bytes - header.bytes), 0, CRC_LENGTH);
		if (crc32c(copy, header.length) != sent)
			return PROXY_CRC;
	}
	return PROXY_FINE;
}

static size_t
parse_v2(struct span bytes, struct proxy_header *ret, enum proxy_fault *ret_fault)
{
	struct span rest = bytes, header;
	uint8_t command, of_family;
	uint16_t length;
	int addresses;

	*ret_fault = PROXY_FINE;
	span_skip(&rest, sizeof signature);
	if (!span_u8(&rest, &command))
		return 0;
	if (command != COMMAND_LOCAL && command != COMMAND_PROXY) {
		*ret_fault = PROXY_COMMAND;
		return 0;
	}
	if (!span_u8(&rest, &of_family))
		return 0;
	addresses = addresses_length(of_family);
	/* LOCAL is for the real addresses, whatever stands here */
	if (addresses < 0 && command == COMMAND_PROXY) {
		*ret_fault = PROXY_FAMILY;
		return 0;
	}
	if (!span_be16(&rest, &length))
		return 0;
	if (AT_ADDRESSES + length > PROXY_HEADER_MOST)
		*ret_fault = PROXY_LONG;
	else if (command == COMMAND_PROXY && length < addresses)
		*ret_fault = PROXY_SHORT;
	if (*ret_fault != PROXY_FINE || rest.length < length)
		return 0;
	header = span_slice(bytes, 0, AT_ADDRESSES + length);
	if (command == COMMAND_PROXY)
		take_addresses(of_family, rest.bytes, ret);
	if (addresses >= 0 && length >= addresses)
		*ret_fault = check_tlvs(header, span_slice(header, AT_ADDRESSES + (size_t)addresses, header.length));
	return *ret_fault == PROXY_FINE ? header.length : 0;
}

bool
proxy_header_begins(struct span bytes, bool *ret_surely)
{
	bool v1 = span_agrees(bytes, proxy, PROXY_WORD);

	*ret_surely = bytes.length >= (v1 ? PROXY_WORD : sizeof signature);
	return v1 || span_agrees(bytes, signature, sizeof signature);
}

size_t
proxy_header_parse(struct span bytes, struct proxy_header *ret, enum proxy_fault *ret_fault)
{
	struct proxy_header h = { 0 };
	size_t length = 0;
	bool surely;

	*ret_fault = PROXY_FINE;
	if (!proxy_header_begins(bytes, &surely))
		*ret_fault = PROXY_MISSING;
	else if (surely)
		length = bytes.bytes[0] == 'P' ? parse_v1(bytes, &h, ret_fault) : parse_v2(bytes, &h, ret_fault);
	if (length == 0)
		return 0;
	address_unmap(&h.from);
	address_unmap(&h.to);
	*ret = h;
	return length;
}

const char *
proxy_fault_text(enum proxy_fault fault)
{
	static const char *const texts[PROXY_FAULTS] = {
		[PROXY_FINE] = "nothing",
		[PROXY_MISSING] = "the first bytes are no PROXY protocol header",
		[PROXY_VERSION1] = "the line of the PROXY protocol is none that version 1 has",
		[PROXY_COMMAND] = "the PROXY protocol header has an unknown version or command",
		[PROXY_FAMILY] = "the PROXY protocol header has an address family that does not fit",
		[PROXY_SHORT] = "the PROXY protocol header is too short for its addresses",
		[PROXY_LONG] = "the PROXY protocol header is longer than 4096 bytes",
		[PROXY_TLV] = "a TLV of the PROXY protocol header is longer than the header",
		[PROXY_CRC] = "the PROXY protocol header has the wrong CRC32c",
		[PROXY_ENDED] = "the client ended before the PROXY protocol header was complete",
		[PROXY_LATE] = "the PROXY protocol header did not come in time",
		[PROXY_UNEXPECTED] = "a PROXY protocol header came from an address that may not send one",
	};

	return texts[fault];
}
