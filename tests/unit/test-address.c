#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>

#include "address.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Numeric endpoints, and how they are written again where that differs. */
static void
test_endpoint_numeric(void)
{
	static const struct {
		const char *text, *format;
		sa_family_t family;
		int64_t port;
	} cases[] = {
		{ "127.0.0.1:22", NULL, AF_INET, 22 },
		{ "0.0.0.0:65535", NULL, AF_INET, 65535 },
		{ "[::1]:22", NULL, AF_INET6, 22 },
		{ "[2001:DB8:0:0:0:0:0:1]:1", "[2001:db8::1]:1", AF_INET6, 1 },
		{ "unix:/run/www.sock", NULL, AF_UNIX, -1 },
		{ "unix:/run/with space", NULL, AF_UNIX, -1 },
		{ "unix:/run/with:colon:1", NULL, AF_UNIX, -1 },
		{ "unix:@name", NULL, AF_UNIX, -1 },
		{ "unix:@a", NULL, AF_UNIX, -1 },
		{ "vsock:2:22", NULL, AF_VSOCK, 22 },
		{ "vsock:4294967295:4294967295", NULL, AF_VSOCK, 4294967295 },
	};
	char written[ADDRESS_TEXT];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint e = { 0 };
		const char *reason = NULL;
		char *copy = strdup(cases[i].text);

		is_int(endpoint_parse(copy, &e, &reason), 0, "%s is an endpoint", cases[i].text);
		ok(e.address.length > 0 && e.address.sa.sa_family == cases[i].family, "%s: family", cases[i].text);
		is_int(address_port(&e.address), cases[i].port, "%s: port", cases[i].text);
		is_str(address_format(&e.address, written), cases[i].format != NULL ? cases[i].format : cases[i].text,
		    "%s: written again", cases[i].text);
		free(copy);
	}
}

/* What a kernel takes for a Unix socket's name is decided by the length of the address. */
static void
test_endpoint_unix_length(void)
{
	char text[] = "unix:@name", path[] = "unix:/x", longest[5 + 107 + 2] = "unix:/", written[ADDRESS_TEXT];
	struct endpoint e;
	const char *reason = NULL;

	is_int(endpoint_parse(text, &e, &reason), 0, "abstract name");
	is_int(e.address.length, (long long)offsetof(struct sockaddr_un, sun_path) + 5, "a NUL and the name, nothing behind it");
	ok(memcmp(e.address.un.sun_path, "\0name", 5) == 0, "the name");
	is_int(endpoint_parse(path, &e, &reason), 0, "path");
	is_str(e.address.un.sun_path, "/x", "the path");
	ok(e.address.length >= offsetof(struct sockaddr_un, sun_path) + 2, "all of it is in the length");

	memset(longest + 6, 'x', 106);
	is_int(endpoint_parse(longest, &e, &reason), 0, "a path of 107 bytes");
	is_str(address_format(&e.address, written), longest, "is written whole");
	longest[6 + 106] = 'x';
	reason = NULL;
	is_int(endpoint_parse(longest, &e, &reason), -EINVAL, "one of 108 is not taken");
	ok(reason != NULL && *reason != '\0', "with a reason");
}

static void
test_endpoint_names(void)
{
	static const struct {
		const char *text, *host, *service;
	} cases[] = {
		{ "localhost:22", "localhost", "22" },
		{ "backend.example.org:http", "backend.example.org", "http" },
		{ "127.0.0.1:http", "127.0.0.1", "http" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint e = { 0 };
		const char *reason = NULL;
		char *copy = strdup(cases[i].text);

		is_int(endpoint_parse(copy, &e, &reason), 0, "%s is an endpoint", cases[i].text);
		is_int(e.address.length, 0, "%s: to be resolved", cases[i].text);
		is_str(e.host, cases[i].host, "%s: host", cases[i].text);
		is_str(e.service, cases[i].service, "%s: service", cases[i].text);
		free(copy);
	}
}

static void
test_endpoint_errors(void)
{
	static const char *const cases[] = {
		"",
		":",
		"22",
		":22",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:99999999999999999999",
		"127.0.0.1:0",
		"127.0.0.1:-1",
		"127.0.0.1:22x",
		"localhost",
		"localhost:",
		"localhost:70000",
		"::1:22",
		"[::1]",
		"[::1]:",
		"[::1]22",
		"[::1",
		"[]:22",
		"[name]:22",
		"[::1]:65536",
		"unix:",
		"unix:relative",
		"unix:@",
		"vsock:",
		"vsock:2",
		"vsock:2:",
		"vsock::22",
		"vsock:x:22",
		"vsock:2:x",
		"vsock:4294967296:1",
		"vsock:2:-1",
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint e;
		const char *reason = NULL;
		char *copy = strdup(cases[i]);

		is_int(endpoint_parse(copy, &e, &reason), -EINVAL, "\"%s\" is no endpoint", cases[i]);
		ok(reason != NULL && *reason != '\0', "it is said why");
		free(copy);
	}
}

static void
test_cidr_parse(void)
{
	static const struct {
		const char *text;
		int family, bits;	/* bits -1: not a network */
	} cases[] = {
		{ "10.0.0.0/8", AF_INET, 8 },
		{ "10.1.2.3", AF_INET, 32 },
		{ "10.1.2.3/32", AF_INET, 32 },
		{ "0.0.0.0/0", AF_INET, 0 },
		{ "192.0.2.128/25", AF_INET, 25 },
		{ "2001:db8::/32", AF_INET6, 32 },
		{ "::1", AF_INET6, 128 },
		{ "::/0", AF_INET6, 0 },
		{ "fe80::/10", AF_INET6, 10 },
		{ "", 0, -1 },
		{ "/8", 0, -1 },
		{ "10.0.0.0/", 0, -1 },
		{ "10.0.0.0/33", 0, -1 },
		{ "10.0.0.0/-1", 0, -1 },
		{ "10.0.0.0/8x", 0, -1 },
		{ "10.0.0.0/8/8", 0, -1 },
		{ "10.0.0.1/8", 0, -1 },
		{ "192.0.2.1/25", 0, -1 },
		{ "10.0.0/24", 0, -1 },
		{ "::/129", 0, -1 },
		{ "2001:db8::1/32", 0, -1 },
		{ "localhost", 0, -1 },
		{ "any", 0, -1 },
		{ "10.0.0.0/99999999999999999999", 0, -1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct cidr c = { .family = 7 };
		const char *reason = NULL;
		int r = cidr_parse(cases[i].text, &c, &reason);

		is_int(r, cases[i].bits < 0 ? -EINVAL : 0, "cidr \"%s\"", cases[i].text);
		if (cases[i].bits < 0) {
			ok(reason != NULL && *reason != '\0', "it is said why");
			is_int(c.family, 7, "nothing is returned");
		} else {
			is_int(c.family, cases[i].family, "its family");
			is_int(c.bits, cases[i].bits, "its bits");
		}
	}
}

static void
test_cidr_contains(void)
{
	static const struct {
		const char *network, *address;
		bool inside;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "9.255.255.255", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "203.0.113.9", false },
		{ "::/0", "::1", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.4/31", "192.0.2.5", true },
		{ "192.0.2.4/31", "192.0.2.6", false },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.2", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::1", "::1", true },
		{ "::1", "::2", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
	};
	struct address unix_peer = { .length = sizeof(sa_family_t), .sa.sa_family = AF_UNIX }, unknown = { 0 };
	struct cidr c;
	const char *reason = NULL;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address a;

		if (cidr_parse(cases[i].network, &c, &reason) != 0 || address_from_text(cases[i].address, NULL, &a) != 0)
			die("%s or %s", cases[i].network, cases[i].address);
		is_int(cidr_contains(&c, &a), cases[i].inside, "%s in %s", cases[i].address, cases[i].network);
	}
	cidr_parse("0.0.0.0/0", &c, &reason);
	ok(!cidr_contains(&c, &unix_peer), "a Unix peer is in no network");
	ok(!cidr_contains(&c, &unknown), "an unknown peer is in no network");
	cidr_parse("::/0", &c, &reason);
	ok(!cidr_contains(&c, &unix_peer) && !cidr_contains(&c, &unknown), "of IPv6 neither");
}

static void
test_from_text(void)
{
	static const struct {
		const char *host, *port, *format;
	} cases[] = {
		{ "203.0.113.9", "51234", "203.0.113.9:51234" }, { "203.0.113.9", NULL, "203.0.113.9:0" },
		{ "2001:db8::1", "1", "[2001:db8::1]:1" }, { "::ffff:192.0.2.1", "7", "192.0.2.1:7" }, { "::1", "0", "[::1]:0" },
		{ "", "1", NULL }, { "localhost", "1", NULL }, { "192.0.2.1", "", NULL }, { "192.0.2.1", "65536", NULL },
		{ "192.0.2.1", "x", NULL }, { "192.0.2.1", "-1", NULL }, { "192.0.2.1", " 1", NULL }, { "[::1]", "1", NULL },
		{ "192.0.2.1 ", "1", NULL }, { "192.0.2", "1", NULL },
	};
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address a = { 0 };
		int r = address_from_text(cases[i].host, cases[i].port, &a);

		ok(cases[i].format == NULL ? r < 0 : r == 0, "\"%s\" and \"%s\"", cases[i].host,
		    cases[i].port != NULL ? cases[i].port : "");
		if (cases[i].format == NULL)
			is_int(a.length, 0, "nothing is returned");
		else
			is_str(address_format(&a, text), cases[i].format, "written again");
	}
}

static void
test_format(void)
{
	struct address a = { 0 }, mapped = { .length = sizeof(mapped.in6) };
	char text[ADDRESS_TEXT], host[ADDRESS_HOST];

	is_str(address_format(&a, text), "unknown", "an unknown address");
	is_str(address_host(&a, host), "", "has no host");
	is_int(address_port(&a), -1, "and no port");
	ok(!address_is_ip(&a), "and is not IP");

	a = (struct address){ .length = sizeof(sa_family_t), .sa.sa_family = AF_UNIX };
	is_str(address_format(&a, text), "unix", "a Unix socket without a name");
	is_str(address_host(&a, host), "", "has no host");
	ok(!address_is_ip(&a), "and is not IP");

	/* the kernel gives a path of 108 bytes without a NUL */
	a.length = sizeof(a.un);
	memset(a.un.sun_path, 'p', sizeof(a.un.sun_path));
	a.un.sun_path[0] = '/';
	address_format(&a, text);
	ok(strncmp(text, "unix:/ppp", 9) == 0 && strspn(text + 6, "p") == 107 && strlen(text) == 5 + 108, "a path without NUL");

	mapped.in6.sin6_family = AF_INET6;
	mapped.in6.sin6_port = htons(22);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.in6.sin6_addr);
	address_unmap(&mapped);
	is_str(address_format(&mapped, text), "192.0.2.1:22", "a mapped address becomes IPv4");
	is_int(mapped.length, sizeof(mapped.in), "in length as well");
	is_str(address_host(&mapped, host), "192.0.2.1", "its host");
	ok(address_is_ip(&mapped), "and is IP");

	address_from_text("2001:db8::1", "22", &a);
	address_unmap(&a);
	is_str(address_format(&a, text), "[2001:db8::1]:22", "others stay as they are");
	is_str(address_host(&a, host), "2001:db8::1", "a host has no brackets");
}

int
main(void)
{
	test_endpoint_numeric();
	test_endpoint_unix_length();
	test_endpoint_names();
	test_endpoint_errors();
	test_cidr_parse();
	test_cidr_contains();
	test_from_text();
	test_format();
	return done_testing();
}
