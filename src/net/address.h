/*
 * Addresses of stream sockets: parse, format, compare.
 *
 * Parsers return 0, or -EINVAL and, in *ret_reason, a static sentence that says what was expected.
 */
#ifndef USHER_ADDRESS_H
#define USHER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/vm_sockets.h>

/* A socket address and its length in bytes; length 0: not known. */
struct address {
	socklen_t length;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_vm vm;
	};
};

/*
 * Where a backend is, as written: 127.0.0.1:22, [::1]:22, name:22, name:service, unix:/PATH, unix:@ABSTRACT, vsock:CID:PORT,
 * srv:_SERVICE._PROTOCOL.name.
 *
 * Numeric ones are in ADDRESS.  Others leave ADDRESS.length 0 and point HOST and SERVICE into the text that was parsed; SERVICE is
 * NULL for srv.  A name has 1 to 63 letters, digits, - and _ between its dots, 253 characters at most, and a dot behind it if need
 * be; it does not begin with -, and its last part is no number: 10.0.0 and 0x7f.1 are neither names nor addresses.
 */
struct endpoint {
	const char *text;
	const char *host;
	const char *service;
	struct address address;
};

/* A network: the first BITS of BYTES, in network byte order, of family AF_INET or AF_INET6. */
struct cidr {
	sa_family_t family;
	unsigned char bits;
	uint8_t bytes[16];
};

/* Long enough for every address_format(): unix: and a path, or [IPv6%scope]:port. */
#define ADDRESS_TEXT 128
/* Long enough for every address_host(). */
#define ADDRESS_HOST 64

/* Parse TEXT, which must outlive *ret; name:service is cut in place, so HOST is NUL-terminated only after endpoint_parse wrote. */
int endpoint_parse(char *text, struct endpoint *ret, const char **ret_reason);

/*
 * The sentence, this very pointer, for what has none of the forms of an endpoint; where more can be written another one takes its
 * place.
 */
extern const char endpoint_forms[];

/*
 * Parse 10.0.0.0/8, 2001:db8::/32 or a bare address, which means all of its bits.  Bits beyond the prefix must be zero.
 * ::ffff:10.0.0.0/104 is 10.0.0.0/8.
 */
int cidr_parse(const char *text, struct cidr *ret, const char **ret_reason);

/* Whether ADDRESS is inside NETWORK.  An address that is not IP is in no network. */
bool cidr_contains(const struct cidr *network, const struct address *address);

/*
 * Parse a numeric IP address and a port number (NULL: port 0), as in REMOTE_ADDR and REMOTE_PORT.  An IPv4-mapped one becomes IPv4.
 * Returns 0 or -EINVAL.
 */
int address_from_text(const char *host, const char *port, struct address *ret);

/* As many as a setting can have. */
#define NETWORKS_MAX 16

/* Some networks; and with_unix: whoever comes by a Unix socket. */
struct networks {
	bool with_unix;
	size_t count;
	struct cidr each[NETWORKS_MAX];
};

/* Parse a list with commas: what cidr_parse() takes, and `unix'. */
int networks_parse(const char *text, struct networks *ret, const char **ret_reason);

/* Whether there is nothing in N. */
bool networks_are_empty(const struct networks *n);

/* Whether ADDRESS is in one of them. */
bool networks_contain(const struct networks *n, const struct address *address);

/* Turn ::ffff:192.0.2.1 into 192.0.2.1, which is what people write in rules and expect in logs.  Others stay as they are. */
void address_unmap(struct address *address);

/* Write 192.0.2.1:22, [2001:db8::1]:22, unix:/path, vsock:2:22, unix or unknown to TEXT.  Returns TEXT. */
const char *address_format(const struct address *address, char text[ADDRESS_TEXT]);

/* Write the host part of an IP address without brackets, "" for others.  Returns TEXT. */
const char *address_host(const struct address *address, char text[ADDRESS_HOST]);

/* The port of an IP or vsock address; -1 for others. */
int64_t address_port(const struct address *address);

/* Whether the address is IPv4 or IPv6. */
bool address_is_ip(const struct address *address);

#endif
