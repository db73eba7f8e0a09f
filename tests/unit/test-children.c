/* Sources, and the table of children. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>

#include "listen/children.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct source
source_of(const char *host, unsigned prefix)
{
	struct address a;

	if (address_from_text(host, "51234", &a) < 0)
		die("%s is no address", host);
	return children_source(&a, prefix);
}

static void
test_sources(void)
{
	static const struct {
		const char *host;
		unsigned prefix;
		const char *source;
	} cases[] = {
		{ "192.0.2.1", 64, "::ffff:192.0.2.1" },
		{ "192.0.2.1", 0, "::ffff:192.0.2.1" },
		{ "::ffff:192.0.2.1", 64, "::ffff:192.0.2.1" },
		{ "2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::" },
		{ "2001:db8:1:2:ffff:ffff:ffff:ffff", 64, "2001:db8:1:2::" },
		{ "2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::" },
		{ "2001:db8:1:2:3:4:5:6", 0, "::" },
		{ "2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6" },
		{ "2001:db8:1:2:3:4:5:ffff", 127, "2001:db8:1:2:3:4:5:fffe" },
		{ "ffff:ffff:ffff::", 1, "8000::" },
		{ "ffff:ffff:ffff::", 7, "fe00::" },
		{ "ffff:ffff:ffff::", 9, "ff80::" },
		{ "ffff:ffff:ffff::", 45, "ffff:ffff:fff8::" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct source s = source_of(cases[i].host, cases[i].prefix);
		char text[INET6_ADDRSTRLEN];
		struct in6_addr want;

		inet_pton(AF_INET6, cases[i].source, &want);
		inet_ntop(AF_INET6, s.bytes, text, sizeof(text));
		ok(memcmp(&want, s.bytes, sizeof(want)) == 0, "%s/%u is %s", cases[i].host, cases[i].prefix, cases[i].source);
		if (memcmp(&want, s.bytes, sizeof(want)) != 0)
			printf("# got %s\n", text);
	}
}

static void
test_no_address(void)
{
	static const struct source none;
	struct address a = { .length = sizeof(sa_family_t) };
	struct source s;

	a.sa.sa_family = AF_UNIX;
	s = children_source(&a, 64);
	ok(memcmp(&s, &none, sizeof(s)) == 0, "a Unix client has no source");
	a.length = 0;
	s = children_source(&a, 64);
	ok(memcmp(&s, &none, sizeof(s)) == 0, "a client that is not known has no source");
}

static void
test_table(void)
{
	struct source a = source_of("192.0.2.1", 64), b = source_of("2001:db8::1", 64), c = source_of("192.0.2.2", 64);
	struct children t;

	is_int(children_open(&t, 4), 0, "a table for four is opened");
	is_int(t.max, 4, "a table for four has room for four");
	is_int(t.count, 0, "a new table is empty");
	children_remove(&t, 10);
	is_int(t.count, 0, "removing from an empty table changes nothing");
	children_add(&t, 10, &a);
	children_add(&t, 11, &b);
	children_add(&t, 12, &a);
	children_add(&t, 13, &a);
	is_int(t.count, 4, "the table has the four that were added");
	is_int(children_of(&t, &a), 3, "three children of the first source are counted");
	is_int(children_of(&t, &b), 1, "one child of the second source is counted");
	is_int(children_of(&t, &c), 0, "no child of a third source is counted");
	is_int((long long)children_find(&t, 10), 0, "the first child is found");
	is_int((long long)children_find(&t, 13), 3, "the last child is found");
	is_int((long long)children_find(&t, 99), 4, "a process that is not in the table is not found");
	children_remove(&t, 99);
	is_int(t.count, 4, "removing a process that is not in the table changes nothing");
	children_remove(&t, 10);
	is_int(children_of(&t, &a), 2, "removing the first child counts one less of its source");
	is_int(children_of(&t, &b), 1, "removing the first child counts no less of the other source");
	children_remove(&t, 10);
	is_int(t.count, 3, "removing a child a second time changes nothing");
	children_remove(&t, 13);
	children_remove(&t, 11);
	is_int(t.count, 1, "the last child and one in the middle are removed");
	is_int(children_of(&t, &a), 1, "the child that is left is of the right source");
	is_int(t.pids[0], 12, "the child that is left is the right process");
	children_add(&t, 14, &c);
	children_remove(&t, 12);
	children_remove(&t, 14);
	is_int(t.count, 0, "the table is empty when all were removed");
}

/* Room for a million costs what is used of it. */
static void
test_large(void)
{
	struct source a = source_of("192.0.2.1", 64), b = source_of("192.0.2.2", 64);
	struct children t;

	is_int(children_open(&t, 1000000), 0, "a table for a million is opened");
	for (int i = 0; i < 5000; i++)
		children_add(&t, 1000 + i, i % 5 == 0 ? &a : &b);
	is_int(children_of(&t, &a), 1000, "a thousand of 5000 are of one source");
	for (int i = 0; i < 5000; i += 2)
		children_remove(&t, 1000 + i);
	is_int(t.count, 2500, "every other of 5000 children is removed");
	is_int(children_of(&t, &a), 500, "every other of the thousand of one source is removed");
	for (int i = 4999; i > 0; i -= 2)
		children_remove(&t, 1000 + i);
	is_int(t.count, 0, "the rest of 5000 children is removed");
	is_int(children_open(&t, SIZE_MAX / 21), -ENOMEM, "a table that is larger than the memory is refused");
}

int
main(void)
{
	test_sources();
	test_no_address();
	test_table();
	test_large();
	return done_testing();
}
