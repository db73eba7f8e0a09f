#include "config.h"

#include "net/balance.h"

#include <string.h>
#include <sys/random.h>

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_BASIS 14695981039346656037U
#define FNV_PRIME 1099511628211U

static uint64_t
hash(uint64_t h, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		h = (h ^ ((const uint8_t *)bytes)[i]) * FNV_PRIME;
	return h;
}

/* Every bit of X changes every bit of what is returned: the last step of MurmurHash3. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdU;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53U;
	return x ^ x >> 33;
}

/* Of the host alone, IPv4 and mapped alike: a client's next connection has another port. */
static uint64_t
hash_client(const struct address *client)
{
	char text[ADDRESS_HOST];
	const char *host = address_host(client, text);

	return hash(FNV_BASIS, host, strlen(host));
}

/* Any number; right after the system has started, when it has none yet, 0. */
static uint64_t
random_number(void)
{
	uint64_t n = 0;

	return getrandom(&n, sizeof n, GRND_NONBLOCK) == (ssize_t)sizeof n ? n : 0;
}

void
balance_order(
    enum balance how, const struct endpoint *endpoints, size_t count, const struct address *client, uint8_t ret[BALANCE_MAX])
{
	uint64_t weights[BALANCE_MAX], of_client = 0, seed = 0;

	if (how == BALANCE_SOURCE)
		of_client = hash_client(client);
	if (how == BALANCE_RANDOM)
		seed = random_number();
	/* the heaviest first, and of equal ones the one that is written first */
	for (size_t i = 0; i < count; i++) {
		size_t at = i;

		weights[i] = 0;
		if (how == BALANCE_SOURCE)
			weights[i] = mix(hash(of_client, endpoints[i].text, strlen(endpoints[i].text)));
		else if (how == BALANCE_RANDOM)
			weights[i] = mix(seed + i);
		for (; at > 0 && weights[ret[at - 1]] < weights[i]; at--)
			ret[at] = ret[at - 1];
		ret[at] = (uint8_t)i;
	}
}
