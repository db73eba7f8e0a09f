/* Addresses and networks from text: no crash, and what was understood is written such that it is understood the same. */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
expect(int holds)
{
	if (!holds)
		abort();
}

static void
fuzz_endpoint(const char *text)
{
	char written[ADDRESS_TEXT], host[ADDRESS_HOST], *copy = strdup(text), *again;
	struct endpoint e, f;
	const char *reason = NULL;

	expect(copy != NULL);
	if (endpoint_parse(copy, &e, &reason) != 0) {
		expect(reason != NULL);
	} else if (e.address.length == 0) {
		expect(e.host != NULL && e.host[0] != '\0' && strlen(e.host) <= 254 && strpbrk(e.host, " *%:/[]") == NULL &&
		    (e.service == NULL ? strncmp(text, "srv:_", 5) == 0 : e.service[0] != '\0'));
	} else {
		expect(e.address.length <= sizeof(e.address) - offsetof(struct address, sa));
		expect(address_format(&e.address, written) == written && memchr(written, '\0', sizeof(written)) != NULL);
		expect(address_host(&e.address, host) == host && memchr(host, '\0', sizeof(host)) != NULL);
		again = strdup(written);
		expect(again != NULL);
		if (e.address.sa.sa_family != AF_UNIX) {
			expect(endpoint_parse(again, &f, &reason) == 0);
			expect(f.address.length == e.address.length);
			expect(address_port(&f.address) == address_port(&e.address));
		}
		free(again);
	}
	free(copy);
}

static void
fuzz_network(const char *text)
{
	struct cidr network;
	struct address inside = { 0 };
	const char *reason = NULL;

	if (cidr_parse(text, &network, &reason) != 0) {
		expect(reason != NULL);
		return;
	}
	expect(network.bits <= (network.family == AF_INET ? 32 : 128));
	inside.sa.sa_family = network.family;
	if (network.family == AF_INET) {
		inside.length = sizeof(inside.in);
		memcpy(&inside.in.sin_addr, network.bytes, 4);
	} else {
		inside.length = sizeof(inside.in6);
		memcpy(&inside.in6.sin6_addr, network.bytes, 16);
	}
	expect(cidr_contains(&network, &inside));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);
	struct address a = { 0 };

	expect(text != NULL);
	if (length > 0)
		memcpy(text, bytes, length);
	text[length] = '\0';
	fuzz_endpoint(text);
	fuzz_network(text);
	if (address_from_text(text, NULL, &a) == 0)
		expect(address_is_ip(&a) && address_port(&a) == 0);
	if (address_from_text("192.0.2.1", text, &a) == 0)
		expect(address_port(&a) >= 0 && address_port(&a) <= 65535);
	free(text);
	return 0;
}
