#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>

#include "net/address.h"
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
		ok(e.address.length > 0 && e.address.sa.sa_family == cases[i].family, "%s: its family is told", cases[i].text);
		is_int(address_port(&e.address), cases[i].port, "%s: its port is told", cases[i].text);
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

	is_int(endpoint_parse(text, &e, &reason), 0, "unix:@name is an endpoint");
	is_int(e.address.length, (long long)offsetof(struct sockaddr_un, sun_path) + 5,
	    "unix:@name: its length is that of a NUL and the name");
	ok(memcmp(e.address.un.sun_path, "\0name", 5) == 0, "unix:@name: the name stands behind a NUL");
	is_int(endpoint_parse(path, &e, &reason), 0, "unix:/x is an endpoint");
	is_str(e.address.un.sun_path, "/x", "unix:/x: the path is in the address");
	ok(e.address.length >= offsetof(struct sockaddr_un, sun_path) + 2, "unix:/x: the length has all of the path");

	memset(longest + 6, 'x', 106);
	is_int(endpoint_parse(longest, &e, &reason), 0, "a path of 107 bytes is an endpoint");
	is_str(address_format(&e.address, written), longest, "a path of 107 bytes is written whole");
	longest[6 + 106] = 'x';
	reason = NULL;
	is_int(endpoint_parse(longest, &e, &reason), -EINVAL, "a path of 108 bytes is no endpoint");
	ok(reason != NULL && *reason != '\0', "a path of 108 bytes: there is a reason");
}

#define LABEL63 "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ_012345678"
#define NAME253 LABEL63 "." LABEL63 "." LABEL63 "." "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456"

static void
test_endpoint_names(void)
{
	static const struct {
		const char *text, *host, *service;
	} cases[] = {
		{ "localhost:22", "localhost", "22" },
		{ "backend.example.org:http", "backend.example.org", "http" },
		{ "127.0.0.1:http", "127.0.0.1", "http" },
		{ "example.org.:443", "example.org.", "443" },
		{ "_service.my_host.example:443", "_service.my_host.example", "443" },
		{ "xn--bcher-kva.example:443", "xn--bcher-kva.example", "443" },
		{ "a--b-.example:443", "a--b-.example", "443" },
		{ "1.example:443", "1.example", "443" },
		{ "10.0.0.1a:443", "10.0.0.1a", "443" },
		{ "0xbox:443", "0xbox", "443" },
		{ "0x7f.example:443", "0x7f.example", "443" },
		{ "x:443", "x", "443" },
		{ LABEL63 ":443", LABEL63, "443" },
		{ NAME253 ":443", NAME253, "443" },
		{ NAME253 ".:443", NAME253 ".", "443" },
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
		ok(reason != NULL && *reason != '\0', "an endpoint that is none: there is a reason");
		free(copy);
	}
}

/* What is neither an address nor the name of a host. */
static void
test_endpoint_hosts(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "256.1.1.1:443", "four numbers" },
		{ "10.0.0:443", "four numbers" },
		{ "10.0.0.1.:443", "four numbers" },
		{ "127.1:443", "four numbers" },
		{ "2130706433:443", "four numbers" },
		{ "0x7f000001:443", "four numbers" },
		{ "0x7f.0x1:443", "four numbers" },
		{ "0X:443", "four numbers" },
		{ "10.0.0:https", "four numbers" },
		{ "*:443", "letters" },
		{ "*.example.org:443", "letters" },
		{ "a b:443", "letters" },
		{ " localhost:443", "letters" },
		{ "localhost :443", "letters" },
		{ "a/b:443", "letters" },
		{ "tcp://localhost:443", NULL },
		{ "b\303\274cher.example:443", "letters" },
		{ "a\nb:443", "letters" },
		{ "-x:443", "begin" },
		{ "--listen:443", "begin" },
		{ "a..b:443", "1 to 63" },
		{ "a..:443", "1 to 63" },
		{ ".a:443", "1 to 63" },
		{ ".:443", "1 to 63" },
		{ "..:443", "1 to 63" },
		{ LABEL63 "x:443", "1 to 63" },
		{ "a." LABEL63 "x.:443", "1 to 63" },
		{ NAME253 "x:443", "253" },
		{ NAME253 "x.:443", "253" },
		{ "[fe80::1%lo]:443", "IPv6" },
		{ "fe80::1%lo:443", NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct endpoint e;
		const char *reason = NULL;
		char *copy = strdup(cases[i].text);

		is_int(endpoint_parse(copy, &e, &reason), -EINVAL, "\"%s\" is no endpoint", cases[i].text);
		if (cases[i].says == NULL)
			ok(reason == endpoint_forms, "%s", reason);
		else
			ok(reason != NULL && strstr(reason, cases[i].says) != NULL, "%s", reason != NULL ? reason : "(no reason)");
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
		{ "::ffff:10.0.0.0/104", AF_INET, 8 },
		{ "::ffff:10.0.0.1", AF_INET, 32 },
		{ "::ffff:10.0.0.1/104", 0, -1 },
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
			ok(reason != NULL && *reason != '\0', "a network that is none: there is a reason");
			is_int(c.family, 7, "a network that is none: nothing is returned");
		} else {
			is_int(c.family, cases[i].family, "a network: its family is returned");
			is_int(c.bits, cases[i].bits, "a network: its bits are returned");
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
		{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
		{ "::ffff:10.0.0.0/104", "11.1.2.3", false },
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
	ok(!cidr_contains(&c, &unix_peer) && !cidr_contains(&c, &unknown),
	    "neither a Unix peer nor an unknown one is in an IPv6 network");
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
			is_int(a.length, 0, "an address that is none: nothing is returned");
		else
			is_str(address_format(&a, text), cases[i].format, "an address from text is written as that text");
	}
}

static void
test_format(void)
{
	struct address a = { 0 }, mapped = { .length = sizeof(mapped.in6) };
	char text[ADDRESS_TEXT], host[ADDRESS_HOST];

	is_str(address_format(&a, text), "unknown", "an unknown address is written as unknown");
	is_str(address_host(&a, host), "", "an unknown address has no host");
	is_int(address_port(&a), -1, "an unknown address has no port");
	ok(!address_is_ip(&a), "an unknown address is not IP");

	a = (struct address){ .length = sizeof(sa_family_t), .sa.sa_family = AF_UNIX };
	is_str(address_format(&a, text), "unix", "a Unix socket without a name is written as unix");
	is_str(address_host(&a, host), "", "a Unix socket without a name has no host");
	ok(!address_is_ip(&a), "a Unix socket without a name is not IP");

	/* the kernel gives a path of 108 bytes without a NUL */
	a.length = sizeof(a.un);
	memset(a.un.sun_path, 'p', sizeof(a.un.sun_path));
	a.un.sun_path[0] = '/';
	address_format(&a, text);
	ok(strncmp(text, "unix:/ppp", 9) == 0 && strspn(text + 6, "p") == 107 && strlen(text) == 5 + 108,
	    "a path without NUL at its end is written whole");

	mapped.in6.sin6_family = AF_INET6;
	mapped.in6.sin6_port = htons(22);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.in6.sin6_addr);
	address_unmap(&mapped);
	is_str(address_format(&mapped, text), "192.0.2.1:22", "a mapped address becomes IPv4");
	is_int(mapped.length, sizeof(mapped.in), "a mapped address that became IPv4 has the length of IPv4");
	is_str(address_host(&mapped, host), "192.0.2.1", "a mapped address that became IPv4 has the host of IPv4");
	ok(address_is_ip(&mapped), "a mapped address that became IPv4 is IP");

	address_from_text("2001:db8::1", "22", &a);
	address_unmap(&a);
	is_str(address_format(&a, text), "[2001:db8::1]:22", "an IPv6 address that is not mapped stays IPv6");
	is_str(address_host(&a, host), "2001:db8::1", "the host of an IPv6 address has no brackets");
}

static void
test_networks(void)
{
	static const char *const bad[] = { "", ",", "10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8,,unix", "10.0.0.0/8 192.0.2.1",
		"10.0.0.1/8", "name", "10.0.0.0/8,name", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:0000:1111:2222:3333" };
	struct networks n = { .count = 77 };
	struct address a = { .length = sizeof(sa_family_t), .sa.sa_family = AF_UNIX }, vsock = { .length = sizeof(a.vm) };
	const char *reason;
	char many[NETWORKS_MAX * 16 + 16] = "10.0.0.1";

	vsock.sa.sa_family = AF_VSOCK;
	for (size_t i = 0; i < COUNT(bad); i++) {
		reason = NULL;
		is_int(networks_parse(bad[i], &n, &reason), -EINVAL, "networks \"%s\" are refused", bad[i]);
		ok(reason != NULL && n.count == 77, "networks that are refused: a reason, and nothing is returned");
	}
	for (size_t i = 1; i < NETWORKS_MAX; i++)
		strcat(many, ",10.0.0.1");
	is_int(networks_parse(many, &n, &reason), 0, "as many networks as there may be");
	strcat(many, ",10.0.0.1");
	is_int(networks_parse(many, &n, &reason), -EINVAL, "one network more is refused");
	is_int(networks_parse("10.0.0.0/8,2001:db8::/32", &n, &reason), 0, "two networks");
	ok(!networks_contain(&n, &a) && !networks_contain(&n, &vsock), "what is not IP is in none");
	address_from_text("10.1.2.3", "1", &a);
	ok(networks_contain(&n, &a), "an address is in the first");
	address_from_text("2001:db8::1", "1", &a);
	ok(networks_contain(&n, &a), "an address is in the second");
	address_from_text("11.1.2.3", "1", &a);
	ok(!networks_contain(&n, &a), "an address is in neither");
	a.length = 0;
	ok(!networks_contain(&n, &a), "what is not known is in neither");
	is_int(networks_parse("unix", &n, &reason), 0, "only Unix sockets");
	a = (struct address){ .length = sizeof(sa_family_t), .sa.sa_family = AF_UNIX };
	ok(networks_contain(&n, &a) && !networks_contain(&n, &vsock) && !networks_are_empty(&n), "a Unix socket, and nothing else");
}

int
main(void)
{
	test_endpoint_numeric();
	test_endpoint_unix_length();
	test_endpoint_names();
	test_endpoint_errors();
	test_endpoint_hosts();
	test_cidr_parse();
	test_cidr_contains();
	test_networks();
	test_from_text();
	test_format();
	return done_testing();
}
