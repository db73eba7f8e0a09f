#include "config.h"

#include <arpa/inet.h>
#include <stddef.h>

#include "net/proxy_header.h"
#include "tap.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static struct address
ip(const char *host, const char *port)
{
	struct address a;

	if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) == 1 && strncmp(host, "::ffff:", 7) == 0) {
		/* as it is in a socket, and not as address_from_text() makes it */
		struct address mapped = { .length = sizeof(mapped.in6) };

		mapped.in6.sin6_family = AF_INET6;
		mapped.in6.sin6_port = htons((uint16_t)atoi(port));
		inet_pton(AF_INET6, host, &mapped.in6.sin6_addr);
		return mapped;
	}
	if (address_from_text(host, port, &a) < 0)
		a.length = 0;
	return a;
}

static struct address
path(const char *name, size_t length)
{
	struct address a = { .length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length) };

	a.un.sun_family = AF_UNIX;
	memcpy(a.un.sun_path, name, length);
	return a;
}

static struct span
text(const char *s)
{
	return span_of(s, strlen(s));
}

static bool
same(const uint8_t *got, size_t got_length, const void *want, size_t length)
{
	return got_length == length && memcmp(got, want, length) == 0;
}

/* --- out --- */

static void
test_format_v1(void)
{
	static const struct {
		const char *from, *from_port, *to, *to_port, *line;
	} cases[] = {
		{ "192.0.2.7", "51000", "198.51.100.1", "443", "PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n" },
		{ "2001:db8::7", "1", "2001:db8::1", "65535", "PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n" },
		{ "192.0.2.7", "1", "2001:db8::1", "2", "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n" },
		{ "2001:db8::1", "1", "192.0.2.7", "2", "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.7 1 2\r\n" },
		{ "192.0.2.7", "1", "", "", "PROXY TCP4 192.0.2.7 0.0.0.0 1 0\r\n" },
		{ "2001:db8::1", "1", "", "", "PROXY TCP6 2001:db8::1 :: 1 0\r\n" },
		{ "", "", "192.0.2.7", "2", "PROXY UNKNOWN\r\n" },
	};
	struct proxy_header unix_client = { .from = path("/a", 3), .to = path("/b", 3) };
	uint8_t got[PROXY_HEADER_MAX];
	size_t length;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct proxy_header h = { .from = ip(cases[i].from, cases[i].from_port), .to = ip(cases[i].to, cases[i].to_port),
			.id = text("not in version 1") };

		length = proxy_header_format(&h, PROXY_V1, got);
		ok(same(got, length, cases[i].line, strlen(cases[i].line)), "version 1: %.*s", (int)strlen(cases[i].line) - 2,
		    cases[i].line);
	}
	length = proxy_header_format(&unix_client, PROXY_V1, got);
	ok(same(got, length, "PROXY UNKNOWN\r\n", 15), "version 1: a client at a Unix socket is UNKNOWN");
}

/* With the CRC32c at the end left out of the comparison; the parser checks it. */
static void
test_format_v2(void)
{
	static const char tcp4[] = SIGNATURE "\x21\x11\0\x13\xc0\0\x02\x07\xc6\x33\x64\x01\xc7\x38\x01\xbb\x03\0\x04";
	static const char tcp6[] = SIGNATURE
	    "\x21\x21\0\x60"
	    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07"
	    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
	    "\0\x01\0\x02"
	    "\x01\0\x02h2\x02\0\x0bwww.example\x05\0\x1f" "an id of thirty-one characters.\x03\0\x04";
	static const char local[] = SIGNATURE "\x20\0\0\x07\x03\0\x04";
	struct proxy_header h = { .from = ip("192.0.2.7", "51000"), .to = ip("198.51.100.1", "443") };
	uint8_t got[PROXY_HEADER_MAX], longest[300];
	size_t length = proxy_header_format(&h, PROXY_V2, got);

	ok(same(got, length - 4, tcp4, sizeof(tcp4) - 1), "version 2: IPv4, and only the CRC32c behind it");
	h = (struct proxy_header){ .from = ip("192.0.2.7", "1"), .to = ip("2001:db8::1", "2"), .authority = text("www.example"),
		.alpn = text("h2"), .id = text("an id of thirty-one characters.") };
	length = proxy_header_format(&h, PROXY_V2, got);
	ok(same(got, length - 4, tcp6, sizeof(tcp6) - 1), "version 2: IPv4 and IPv6 are both IPv6; ALPN, authority, id");
	h = (struct proxy_header){ .to = ip("2001:db8::1", "2") };
	length = proxy_header_format(&h, PROXY_V2, got);
	ok(same(got, length - 4, local, sizeof(local) - 1), "version 2: a client without an address is LOCAL");
	h = (struct proxy_header){ .from = path("/run/a", 7), .to = path("/run/x", 7) };
	length = proxy_header_format(&h, PROXY_V2, got);
	ok(same(got, length - 4, local, sizeof(local) - 1), "version 2: a client at a Unix socket is LOCAL");
	memset(longest, 'x', sizeof(longest));
	h.from = h.to = ip("2001:db8::1", "2");
	h.authority = h.alpn = span_of(longest, 255);
	h.id = span_of(longest, 128);
	length = proxy_header_format(&h, PROXY_V2, got);
	ok(length <= sizeof(got) && length == 16 + 36 + 3 + 255 + 3 + 255 + 3 + 128 + 7, "version 2: the longest fits, %zu bytes",
	    length);
	h.authority = h.alpn = h.id = span_of(longest, 256);
	length = proxy_header_format(&h, PROXY_V2, got);
	is_int((long long)length, 16 + 36 + 7, "version 2: what is too long is left out");
}

/* --- in --- */

static enum proxy_fault fault;
static struct proxy_header parsed;

static size_t
parse(const void *bytes, size_t length)
{
	memset(&parsed, 0xa5, sizeof(parsed));
	return proxy_header_parse(span_of(bytes, length), &parsed, &fault);
}

/* That HEADER, LENGTH bytes with more behind it, is read as FROM and TO, and waited for at every place before. */
static void
reads(const void *header, size_t length, const char *from, const char *to, const char *what)
{
	char more[PROXY_HEADER_MOST + 8], got[ADDRESS_TEXT];
	size_t early = 0;

	for (size_t i = 0; i < length; i++)
		early += parse(header, i) != 0 || fault != PROXY_FINE;
	is_int((long long)early, 0, "%s: nothing is said before its last byte", what);
	memcpy(more, header, length);
	memcpy(more + length, "GET /", 5);
	is_int((long long)parse(more, length + 5), (long long)length, "%s: its end is found", what);
	is_str(address_format(&parsed.from, got), from, "%s: the client", what);
	is_str(address_format(&parsed.to, got), to, "%s: the address that it connected to", what);
}

static void
reads_line(const char *line, const char *from, const char *to)
{
	char name[128];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "\r"), line);
	reads(line, strlen(line), from, to, name);
}

static void
test_parse_v1(void)
{
	reads_line("PROXY TCP4 192.0.2.7 198.51.100.1 51000 443\r\n", "192.0.2.7:51000", "198.51.100.1:443");
	reads_line("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", "255.255.255.255:65535");
	reads_line("PROXY TCP6 2001:db8::7 ::1 0 1\r\n", "[2001:db8::7]:0", "[::1]:1");
	reads_line("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	reads_line("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 5 6\r\n", "192.0.2.7:5", "192.0.2.1:6");
	reads_line("PROXY UNKNOWN\r\n", "unknown", "unknown");
	reads_line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	    "unknown", "unknown");
}

static void
test_wrong_v1(void)
{
	static const char *const lines[] = {
		"PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 \r\n", "PROXY TCP4 192.0.2.7\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n", "PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
		"PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 1 0x2\r\n", "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
		"PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
		"PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n", "PROXY TCP6 2001:db8::1%lo ::1 1 2\r\n",
		"PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n",
		"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n", "PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
		"PROXY TCP4\t192.0.2.7\t198.51.100.1\t1\t2\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\rx\n",
		"PROXY UNKNOWN\rGET", "PROXY UNKNOWNS\r\n",
		"PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655355\r\n",
	};
	char line[256], nul[] = "PROXY TCP4 192.0.2.7\0 198.51.100.1 1 2\r\n";

	for (size_t i = 0; i < COUNT(lines); i++) {
		parse(lines[i], strlen(lines[i]));
		is_int(fault, PROXY_VERSION1, "wrong: %.*s", (int)strcspn(lines[i], "\r"), lines[i]);
	}
	parse(nul, sizeof(nul) - 1);
	is_int(fault, PROXY_VERSION1, "wrong: a NUL byte behind the address");
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	is_int((long long)parse(line, 106) + fault, 0, "a line of 106 bytes may still end");
	parse(line, 107);
	is_int(fault, PROXY_VERSION1, "wrong: a line that has no end after 107 bytes");
}

static void
test_parse_v2(void)
{
	static const char tcp4[] = SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xc7\x38\x01\xbb";
	static const char tcp6[] = SIGNATURE "\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xc7\x38\x01\xbb";
	static const char tlvs[] = SIGNATURE "\x21\x11\0\x18\xc0\0\x02\x07\xc6\x33\x64\x01\xc7\x38\x01\xbb"
	    "\x04\0\0\xee\0\x01x\x05\0\x02id";
	static const char local[] = SIGNATURE "\x20\0\0\0";
	static const char local_tcp4[] = SIGNATURE "\x20\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xc7\x38\x01\xbb";
	static const char local_other[] = SIGNATURE "\x20\x77\0\x03" "abc";
	static const char unspecified[] = SIGNATURE "\x21\0\0\x03\x04\0\0";
	char unix_paths[16 + 216] = SIGNATURE "\x21\x31\0\xd8/run/from";

	strcpy(unix_paths + 16 + 108, "/run/to");
	reads(tcp4, sizeof(tcp4) - 1, "192.0.2.7:51000", "198.51.100.1:443", "version 2, IPv4");
	reads(tcp6, sizeof(tcp6) - 1, "[2001:db8::7]:51000", "[::1]:443", "version 2, IPv6");
	reads(tlvs, sizeof(tlvs) - 1, "192.0.2.7:51000", "198.51.100.1:443", "version 2, TLVs that nobody knows");
	reads(local, sizeof(local) - 1, "unknown", "unknown", "version 2, LOCAL");
	reads(local_tcp4, sizeof(local_tcp4) - 1, "unknown", "unknown", "version 2, LOCAL with addresses");
	reads(local_other, sizeof(local_other) - 1, "unknown", "unknown", "version 2, LOCAL with what nobody knows");
	reads(unspecified, sizeof(unspecified) - 1, "unknown", "unknown", "version 2, UNSPEC");
	reads(unix_paths, sizeof(unix_paths), "unix:/run/from", "unix:/run/to", "version 2, Unix");
}

static void
test_wrong_v2(void)
{
	static const struct {
		struct span bytes;
		enum proxy_fault fault;
		const char *what;
	} cases[] = {
#define BYTES(s) { (const uint8_t *)(s), sizeof(s) - 1 }
		{ BYTES("GET / HTTP/1.0\r\n"), PROXY_MISSING, "something else" },
		{ BYTES("S"), PROXY_MISSING, "one byte that is none of it" },
		{ BYTES("PROXX"), PROXY_MISSING, "almost version 1" },
		{ BYTES("proxy tcp4"), PROXY_MISSING, "small letters" },
		{ BYTES("\r\n\r\n\0\r\nQUIX"), PROXY_MISSING, "almost version 2" },
		{ BYTES(SIGNATURE "\x11"), PROXY_COMMAND, "version 1 in the binary form" },
		{ BYTES(SIGNATURE "\x31"), PROXY_COMMAND, "version 3" },
		{ BYTES(SIGNATURE "\x22"), PROXY_COMMAND, "command 2" },
		{ BYTES(SIGNATURE "\x21\x12"), PROXY_FAMILY, "UDP over IPv4" },
		{ BYTES(SIGNATURE "\x21\x22"), PROXY_FAMILY, "UDP over IPv6" },
		{ BYTES(SIGNATURE "\x21\x32"), PROXY_FAMILY, "Unix datagrams" },
		{ BYTES(SIGNATURE "\x21\x41"), PROXY_FAMILY, "a family that there is not" },
		{ BYTES(SIGNATURE "\x21\x10"), PROXY_FAMILY, "IPv4 without a protocol" },
		{ BYTES(SIGNATURE "\x21\x11\0\x0b"), PROXY_SHORT, "too short for IPv4" },
		{ BYTES(SIGNATURE "\x21\x21\0\x23"), PROXY_SHORT, "too short for IPv6" },
		{ BYTES(SIGNATURE "\x21\x31\0\xd7"), PROXY_SHORT, "too short for Unix" },
		{ BYTES(SIGNATURE "\x21\x11\x0f\xf1"), PROXY_LONG, "4097 bytes" },
		{ BYTES(SIGNATURE "\x21\x11\xff\xff"), PROXY_LONG, "64 KiB" },
		{ BYTES(SIGNATURE "\x20\0\xff\xff"), PROXY_LONG, "64 KiB of LOCAL" },
		{ BYTES(SIGNATURE "\x21\0\0\x02\x04\0"), PROXY_TLV, "a TLV without a length" },
		{ BYTES(SIGNATURE "\x21\0\0\x04\x04\0\x02x"), PROXY_TLV, "a TLV that is longer than the header" },
		{ BYTES(SIGNATURE "\x21\0\0\x07\x03\0\x04\0\0\0\0"), PROXY_CRC, "a wrong CRC32c" },
		{ BYTES(SIGNATURE "\x21\0\0\x06\x03\0\x03\0\0\0"), PROXY_CRC, "a CRC32c of three bytes" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		is_int((long long)parse(cases[i].bytes.bytes, cases[i].bytes.length), 0, "%s: is no header", cases[i].what);
		is_int(fault, cases[i].fault, "%s: %s", cases[i].what, proxy_fault_text(cases[i].fault));
	}
}

static void
test_crc(void)
{
	uint8_t header[PROXY_HEADER_MAX];
	struct proxy_header h = { .from = ip("192.0.2.7", "51000"), .to = ip("198.51.100.1", "443"), .id = text("abc") };
	size_t length = proxy_header_format(&h, PROXY_V2, header), wrong = 0;

	is_int((long long)parse(header, length), (long long)length, "a header that we have made is one that we read");
	for (size_t i = 16; i < length; i++)
		for (int bit = 0; bit < 8; bit++) {
			header[i] ^= (uint8_t)(1 << bit);
			wrong += parse(header, length) != 0;
			header[i] ^= (uint8_t)(1 << bit);
		}
	/* a changed type of the CRC's own TLV leaves a header without one */
	is_int((long long)wrong, 8, "every changed bit behind the length is found, but for those in the type of the CRC32c");
}

static void
test_begins(void)
{
	bool surely;

	ok(proxy_header_begins(text("PRO"), &surely) && !surely, "PRO may be the beginning of a header");
	ok(proxy_header_begins(text("PROXY "), &surely) && surely, "PROXY and a space is one");
	ok(proxy_header_begins(span_of(SIGNATURE, 11), &surely) && !surely, "eleven bytes of version 2 may be one");
	ok(proxy_header_begins(span_of(SIGNATURE, 12), &surely) && surely, "twelve bytes of version 2 are one");
	ok(!proxy_header_begins(text("PROPFIND / HTTP/1.1"), &surely), "PROPFIND is none");
}

int
main(void)
{
	test_format_v1();
	test_format_v2();
	test_parse_v1();
	test_wrong_v1();
	test_parse_v2();
	test_wrong_v2();
	test_crc();
	test_begins();
	done_testing();
}
