#include "config.h"

#include "net/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

int
address_from_text(const char *host, const char *port, struct address *ret)
{
	struct address a = { 0 };
	uint64_t number = 0;

	if (port != NULL && number_parse(port, 65535, &number) < 0)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons((uint16_t)number);
		a.length = sizeof a.in;
	} else if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) == 1) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons((uint16_t)number);
		a.length = sizeof a.in6;
	} else
		return -EINVAL;
	address_unmap(&a);
	*ret = a;
	return 0;
}

void
address_unmap(struct address *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (address->length < sizeof address->in6 || address->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
		return;
	in.sin_port = address->in6.sin6_port;
	memcpy(&in.sin_addr, &address->in6.sin6_addr.s6_addr[12], 4);
	address->in = in;
	address->length = sizeof in;
}

static int
parse_unix(const char *path, struct endpoint *ret, const char **ret_reason)
{
	struct sockaddr_un *un = &ret->address.un;
	size_t length = strlen(path);

	if (length < 2 || (path[0] != '/' && path[0] != '@')) {
		*ret_reason = "expected unix:/PATH or unix:@NAME";
		return -EINVAL;
	}
	if (length >= sizeof un->sun_path) {
		*ret_reason = "the path of a Unix socket has 107 characters at most";
		return -EINVAL;
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, length);
	if (path[0] == '@') {
		/* an abstract name begins with a NUL and is as long as the address says, without one at its end */
		un->sun_path[0] = '\0';
		ret->address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	} else
		ret->address.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
	return 0;
}

static int
parse_vsock(char *text, struct endpoint *ret, const char **ret_reason)
{
	char *colon = strchr(text, ':');
	uint64_t cid, port;

	*ret_reason = "expected vsock:CID:PORT, two numbers";
	if (colon == NULL || number_parse(colon + 1, UINT32_MAX, &port) < 0)
		return -EINVAL;
	*colon = '\0';
	if (number_parse(text, UINT32_MAX, &cid) < 0) {
		*colon = ':';
		return -EINVAL;
	}
	*colon = ':';
	ret->address.vm.svm_family = AF_VSOCK;
	ret->address.vm.svm_cid = (unsigned)cid;
	ret->address.vm.svm_port = (unsigned)port;
	ret->address.length = sizeof ret->address.vm;
	return 0;
}

/*
 * Whether the label, which ends at LENGTH, is what the C library takes for part of an IPv4 address: 10.0.1 and 0x7f.1 are
 * addresses, too.
 */
static bool
is_numeric(const char *label, size_t length)
{
	if (length >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return strspn(label + 2, "0123456789abcdefABCDEF") == length - 2;
	return strspn(label, "0123456789") == length;
}

/* Why there can be no host of that name, or NULL. */
static const char *
name_fault(const char *name)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t length = strlen(name), label;

	if (length > 0 && name[length - 1] == '.')
		length--;
	if (length > 253)
		return "a name has 253 characters at most";
	if (name[0] == '-')
		return "a name does not begin with -";
	for (;; name += label + 1) {
		label = strspn(name, bytes);
		if (name[label] != '\0' && name[label] != '.')
			return "a name has only letters, digits, -, _ and dots";
		if (label == 0 || label > 63)
			return "a name has 1 to 63 characters between its dots";
		if (name[label] == '\0' || name[label + 1] == '\0')
			break;
	}
	if (is_numeric(name, label))
		return "an IPv4 address has four numbers from 0 to 255, and the last part of a name is not a number";
	return NULL;
}

const char endpoint_forms[] = "expected HOST:PORT, [IPV6]:PORT, unix:/PATH, unix:@NAME, vsock:CID:PORT or srv:NAME";

/* HOST:PORT and [V6]:PORT. */
static int
parse_inet(char *text, struct endpoint *ret, const char **ret_reason)
{
	char *host = text, *colon, *end;
	struct address whole;
	const char *fault;
	uint64_t port;

	*ret_reason = endpoint_forms;
	if (text[0] == '[') {
		host = text + 1;
		end = strchr(host, ']');
		if (end == NULL || end[1] != ':')
			return -EINVAL;
		colon = end + 1;
	} else {
		end = colon = strrchr(text, ':');
		if (colon == NULL || colon == text || memchr(text, ':', (size_t)(colon - text)) != NULL)
			return -EINVAL;
	}
	ret->host = host;
	ret->service = colon + 1;
	if (*ret->service == '\0')
		return -EINVAL;
	if (number_parse(ret->service, 65535, &port) == 0) {
		if (port == 0) {
			*ret_reason = "no backend listens on port 0";
			return -EINVAL;
		}
	} else if (!isalpha((unsigned char)ret->service[0])) {
		*ret_reason = "a port is a number from 1 to 65535, or a name from /etc/services";
		return -EINVAL;
	}
	*end = '\0';
	if (address_from_text(host, ret->service, &ret->address) == 0)
		return 0;
	/* an IPv4 address that is whole stands for itself, before the name of a service */
	fault = text[0] == '[' ? "expected an IPv6 address and a port number: [IPV6]:PORT" :
	    address_from_text(host, NULL, &whole) == 0 ? NULL : name_fault(host);
	if (fault == NULL)
		return 0;
	*ret_reason = fault;
	return -EINVAL;
}

/* _ssh._tcp.example.org, as RFC 2782 has it. */
static int
parse_srv(char *name, struct endpoint *ret, const char **ret_reason)
{
	const char *fault = name_fault(name);

	*ret_reason = fault != NULL ? fault : "expected _SERVICE._PROTOCOL.NAME behind srv:, e.g. srv:_ssh._tcp.example.org";
	if (fault != NULL || name[0] != '_' || strstr(name, "._") == NULL)
		return -EINVAL;
	ret->host = name;
	return 0;
}

int
endpoint_parse(char *text, struct endpoint *ret, const char **ret_reason)
{
	struct endpoint e = { .text = text };
	int r;

	if (strncmp(text, "unix:", 5) == 0)
		r = parse_unix(text + 5, &e, ret_reason);
	else if (strncmp(text, "vsock:", 6) == 0)
		r = parse_vsock(text + 6, &e, ret_reason);
	else if (strncmp(text, "srv:", 4) == 0)
		r = parse_srv(text + 4, &e, ret_reason);
	else
		r = parse_inet(text, &e, ret_reason);
	if (r == 0)
		*ret = e;
	return r;
}

int
cidr_parse(const char *text, struct cidr *ret, const char **ret_reason)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct cidr c = { 0 };
	char host[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	uint64_t bits, most;

	*ret_reason = "expected an address or a network such as 192.0.2.0/24 or 2001:db8::/32";
	if (length >= sizeof host)
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, c.bytes) == 1)
		c.family = AF_INET;
	else if (inet_pton(AF_INET6, host, c.bytes) == 1)
		c.family = AF_INET6;
	else
		return -EINVAL;
	bits = most = c.family == AF_INET ? 32 : 128;
	if (text[length] == '/' && number_parse(text + length + 1, most, &bits) < 0) {
		*ret_reason = "expected a prefix length of 0 to 32 (IPv4) or 128 (IPv6)";
		return -EINVAL;
	}
	/* addresses are compared as IPv4 where they can be, so such a network is meant as one */
	if (c.family == AF_INET6 && bits >= 96 && memcmp(c.bytes, mapped, sizeof mapped) == 0) {
		c.family = AF_INET;
		memmove(c.bytes, c.bytes + 12, 4);
		memset(c.bytes + 4, 0, 12);
		bits -= 96;
		most = 32;
	}
	c.bits = (unsigned char)bits;
	for (size_t i = (size_t)bits; i < most; i++)
		if (c.bytes[i / 8] & 0x80 >> i % 8) {
			*ret_reason = "the address has bits beyond its prefix length";
			return -EINVAL;
		}
	*ret = c;
	return 0;
}

bool
cidr_contains(const struct cidr *network, const struct address *address)
{
	const uint8_t *bytes;
	size_t whole = network->bits / 8, rest = network->bits % 8;

	if (address->length == 0 || address->sa.sa_family != network->family)
		return false;
	bytes = network->family == AF_INET ? (const uint8_t *)&address->in.sin_addr : address->in6.sin6_addr.s6_addr;
	return memcmp(bytes, network->bytes, whole) == 0 &&
	    (rest == 0 || (bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0);
}

bool
address_is_ip(const struct address *address)
{
	return address->length > 0 && (address->sa.sa_family == AF_INET || address->sa.sa_family == AF_INET6);
}

int64_t
address_port(const struct address *address)
{
	if (address->length == 0)
		return -1;
	switch (address->sa.sa_family) {
	case AF_INET:
		return ntohs(address->in.sin_port);
	case AF_INET6:
		return ntohs(address->in6.sin6_port);
	case AF_VSOCK:
		return address->vm.svm_port;
	default:
		return -1;
	}
}

const char *
address_host(const struct address *address, char text[ADDRESS_HOST])
{
	text[0] = '\0';
	if (address_is_ip(address)) {
		bool v4 = address->sa.sa_family == AF_INET;

		inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? (const void *)&address->in.sin_addr : &address->in6.sin6_addr, text,
		    ADDRESS_HOST);
	}
	return text;
}

static void
format_unix(const struct address *address, char text[ADDRESS_TEXT])
{
	size_t length = address->length - offsetof(struct sockaddr_un, sun_path);
	const char *path = address->un.sun_path;

	if (address->length <= offsetof(struct sockaddr_un, sun_path))
		snprintf(text, ADDRESS_TEXT, "unix");
	else if (path[0] == '\0')
		snprintf(text, ADDRESS_TEXT, "unix:@%.*s", (int)length - 1, path + 1);
	else
		snprintf(text, ADDRESS_TEXT, "unix:%.*s", (int)length, path);
}

int
networks_parse(const char *text, struct networks *ret, const char **ret_reason)
{
	struct networks n = { 0 };
	char item[INET6_ADDRSTRLEN + 8];

	*ret_reason = "expected 16 networks at most, with commas between them, e.g. 10.0.0.0/8,2001:db8::/32";
	for (;; text++) {
		size_t length = strcspn(text, ",");

		if (length == 0 || length >= sizeof item || n.count == NETWORKS_MAX)
			return -EINVAL;
		memcpy(item, text, length);
		item[length] = '\0';
		if (strcmp(item, "unix") == 0)
			n.with_unix = true;
		else if (cidr_parse(item, &n.each[n.count], ret_reason) < 0)
			return -EINVAL;
		else
			n.count++;
		text += length;
		if (*text == '\0')
			break;
	}
	*ret = n;
	return 0;
}

bool
networks_are_empty(const struct networks *n)
{
	return n->count == 0 && !n->with_unix;
}

bool
networks_contain(const struct networks *n, const struct address *address)
{
	if (n->with_unix && address->length > 0 && address->sa.sa_family == AF_UNIX)
		return true;
	for (size_t i = 0; i < n->count; i++)
		if (cidr_contains(&n->each[i], address))
			return true;
	return false;
}

const char *
address_format(const struct address *address, char text[ADDRESS_TEXT])
{
	char host[ADDRESS_HOST];

	address_host(address, host);
	if (address->length == 0)
		snprintf(text, ADDRESS_TEXT, "unknown");
	else if (address->sa.sa_family == AF_INET)
		snprintf(text, ADDRESS_TEXT, "%s:%u", host, ntohs(address->in.sin_port));
	else if (address->sa.sa_family == AF_INET6)
		snprintf(text, ADDRESS_TEXT, "[%s]:%u", host, ntohs(address->in6.sin6_port));
	else if (address->sa.sa_family == AF_VSOCK)
		snprintf(text, ADDRESS_TEXT, "vsock:%u:%u", address->vm.svm_cid, address->vm.svm_port);
	else if (address->sa.sa_family == AF_UNIX)
		format_unix(address, text);
	else
		snprintf(text, ADDRESS_TEXT, "unknown");
	return text;
}
