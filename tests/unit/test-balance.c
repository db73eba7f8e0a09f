#include "config.h"

#include <stdio.h>

#include "net/balance.h"
#include "tap.h"

#define CLIENTS 10000

static struct endpoint endpoints[BALANCE_MAX];

static struct address
client(unsigned n)
{
	char host[32];
	struct address a;

	snprintf(host, sizeof(host), "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255, n & 255);
	if (address_from_text(host, "1", &a) < 0)
		a.length = 0;
	return a;
}

/* Whether ORDER has each number below COUNT once. */
static bool
is_order(const uint8_t *order, size_t count)
{
	bool had[BALANCE_MAX] = { false };

	for (size_t i = 0; i < count; i++) {
		if (order[i] >= count || had[order[i]])
			return false;
		had[order[i]] = true;
	}
	return true;
}

static void
test_orders(void)
{
	struct address a = client(7), nobody = { 0 };
	uint8_t order[BALANCE_MAX], again[BALANCE_MAX];
	bool orders = true;

	balance_order(BALANCE_FIRST, endpoints, 4, &a, order);
	ok(memcmp(order, "\0\1\2\3", 4) == 0, "first: as written");
	for (int how = BALANCE_FIRST; how <= BALANCE_SOURCE; how++)
		for (size_t n = 1; n <= BALANCE_MAX; n++) {
			balance_order((enum balance)how, endpoints, n, &a, order);
			orders = orders && is_order(order, n);
		}
	ok(orders, "each backend comes once, however many there are");
	balance_order(BALANCE_SOURCE, endpoints, 5, &a, order);
	a.in.sin_port = 4711;
	balance_order(BALANCE_SOURCE, endpoints, 5, &a, again);
	ok(memcmp(order, again, 5) == 0, "source: another port of the client's changes nothing");
	/* these numbers are for ever: machines with different versions of usher must agree */
	ok(memcmp(order, "\4\1\3\0\2", 5) == 0, "source: the order for 10.0.0.7 is %u %u %u %u %u", order[0], order[1], order[2],
	    order[3], order[4]);
	balance_order(BALANCE_SOURCE, endpoints, 5, &nobody, order);
	balance_order(BALANCE_SOURCE, endpoints, 5, &nobody, again);
	ok(memcmp(order, again, 5) == 0, "source: a client without an address has an order as well");
}

/* Within a tenth of what each should get; the standard deviation is a fiftieth. */
static bool
is_even(const unsigned *counts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf("# backend %zu: %u\n", i, counts[i]);
		if (counts[i] * count < CLIENTS * 9 / 10 || counts[i] * count > CLIENTS * 11 / 10)
			return false;
	}
	return true;
}

static void
test_shares(void)
{
	unsigned of_source[5] = { 0 }, of_random[5] = { 0 }, moved = 0, wrongly = 0;
	uint8_t five[BALANCE_MAX], four[BALANCE_MAX];

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct address a = client(i);

		balance_order(BALANCE_SOURCE, endpoints, 5, &a, five);
		of_source[five[0]]++;
		/* the last one is taken out */
		balance_order(BALANCE_SOURCE, endpoints, 4, &a, four);
		moved += five[0] == 4;
		wrongly += five[0] != 4 && four[0] != five[0];
		wrongly += five[0] == 4 && four[0] != five[1];
		balance_order(BALANCE_RANDOM, endpoints, 5, &a, five);
		of_random[five[0]]++;
	}
	ok(is_even(of_source, 5), "source: each backend has its share of the clients");
	ok(is_even(of_random, 5), "random: each backend has its share of the connections");
	ok(moved > CLIENTS / 6 && moved < CLIENTS / 4, "source: one of five is gone: a fifth of the clients moves (%u)", moved);
	is_int(wrongly, 0, "source: no other client moves, and those that do have their second one");
}

int
main(void)
{
	static char names[BALANCE_MAX][32];

	for (unsigned i = 0; i < BALANCE_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "192.0.2.%u:80", i + 1);
		endpoints[i].text = names[i];
	}
	test_orders();
	test_shares();
	return done_testing();
}
