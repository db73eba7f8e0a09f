#include "config.h"

#include <errno.h>

#include "net/srv.h"
#include "tap.h"

#define CHOICES 10000

/* As a name server sends it: a question for _x._tcp.a, a CNAME, and four records whose names are compressed. */
static const char message[] =
    "\x12\x34\x81\x80\0\1\0\5\0\0\0\0"
    "\2_x\4_tcp\1a\0\0\x21\0\1"
    "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c"
    "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0c\0\1\0\5\0\x50\3one\xc0\x14"
    "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0e\0\2\0\0\1\xbb\3two\1b\0\0"
    "\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\7\0\0\0\0\0\0\0"
    "\xc0\x0c\0\x21\0\3\0\0\0\x3c\0\7\0\0\0\0\0\1\0";

static struct srv_record records[SRV_MAX];

static int
parse(size_t length)
{
	memset(records, 0xa5, sizeof(records));
	return srv_parse((const uint8_t *)message, length, records);
}

static void
test_parse(void)
{
	unsigned wrong = 0;

	is_int(parse(sizeof(message) - 1), 2, "two of five records are places of the service");
	is_str(records[0].target, "one.a", "the first has its name, uncompressed");
	ok(records[0].priority == 1 && records[0].weight == 5 && records[0].port == 80, "the first has its numbers");
	is_str(records[1].target, "two.b", "the second has its name");
	ok(records[1].priority == 2 && records[1].weight == 0 && records[1].port == 443, "the second has its numbers");
	for (size_t i = 0; i < sizeof(message) - 1; i++)
		wrong += parse(i) != -EBADMSG;
	is_int(wrong, 0, "what is cut at any byte is no message");
}

/* Any byte is any other: no more than is there is read. */
static void
test_broken(void)
{
	uint8_t copy[sizeof(message) - 1];
	unsigned long seed = 1;
	int most = 0;

	for (int i = 0; i < 200000; i++) {
		uint8_t *exact;
		int n;

		memcpy(copy, message, sizeof(copy));
		for (int k = 0; k < 3; k++) {
			seed = seed * 6364136223846793005U + 1442695040888963407U;
			copy[(seed >> 33) % sizeof(copy)] = (uint8_t)(seed >> 20);
		}
		exact = malloc(sizeof(copy));
		memcpy(exact, copy, sizeof(copy));
		n = srv_parse(exact, sizeof(copy), records);
		free(exact);
		for (int k = 0; k < n; k++)
			if (memchr(records[k].target, '\0', sizeof(records[k].target)) == NULL)
				n = SRV_MAX + 1;
		most = n > most ? n : most;
	}
	ok(most <= 5, "a message with wrong bytes has no more records than there are, each with an end to its name");
}

static uint32_t
next_random(uint32_t limit)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)((state >> 32) % limit);
}

static void
put(size_t at, uint16_t priority, uint16_t weight, uint16_t port)
{
	records[at] = (struct srv_record){ .priority = priority, .weight = weight, .port = port };
}

static void
test_order(void)
{
	unsigned first[5] = { 0 }, second_is_last = 0, out_of_order = 0;
	static const unsigned weights[] = { 10, 20, 30, 40 };

	for (int i = 0; i < CHOICES; i++) {
		for (uint16_t n = 0; n < 4; n++)
			put(n, 5, (uint16_t)weights[n], n);
		put(4, 5, 0, 4);
		put(5, 1, 7, 5);
		put(6, 9, 7, 6);
		srv_order(records, 7, next_random);
		out_of_order += records[0].port != 5 || records[6].port != 6;
		if (records[1].port < 5)
			first[records[1].port]++;
		second_is_last += records[5].port == 4;
	}
	is_int(out_of_order, 0, "a lower priority always comes first");
	for (size_t n = 0; n < 4; n++) {
		int off = (int)first[n] - (int)weights[n] * CHOICES / 100;

		ok(off > -CHOICES * 3 / 100 && off < CHOICES * 3 / 100, "weight %u of 100 is first %u of %d times", weights[n],
		    first[n], CHOICES);
	}
	is_int(first[4], 0, "what has no weight is not first beside others that have");
	is_int(second_is_last, CHOICES, "it is the last of its priority");
	for (uint16_t n = 0; n < 3; n++)
		put(n, 1, 0, n);
	srv_order(records, 3, next_random);
	ok(records[0].port == 0 && records[1].port == 1 && records[2].port == 2, "without any weight they stay as they are");
	srv_order(records, 0, next_random);
	ok(true, "none need no order");
}

int
main(void)
{
	test_parse();
	test_broken();
	test_order();
	return done_testing();
}
