/* PROXY protocol headers: no crash, bounded, and what was understood is written such that it is understood the same. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
expect(int holds)
{
	if (!holds)
		abort();
}

/* H, read from a header, is written as VERSION and read again. */
static void
round_trip(const struct proxy_header *h, enum proxy_version version)
{
	uint8_t *text = malloc(PROXY_HEADER_MAX);
	char first[ADDRESS_TEXT], second[ADDRESS_TEXT];
	struct proxy_header again;
	enum proxy_fault fault;
	size_t length;

	expect(text != NULL);
	length = proxy_header_format(h, version, text);
	expect(length > 0 && length <= PROXY_HEADER_MAX);
	expect(proxy_header_parse(span_of(text, length - 1), &again, &fault) == 0 && fault == PROXY_FINE);
	expect(proxy_header_parse(span_of(text, length), &again, &fault) == length && fault == PROXY_FINE);
	if (address_is_ip(&h->from)) {
		expect(strcmp(address_format(&h->from, first), address_format(&again.from, second)) == 0);
		expect(strcmp(address_format(&h->to, first), address_format(&again.to, second)) == 0);
	} else
		expect(again.from.length == 0);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t *copy = malloc(length + 1);
	struct proxy_header h;
	enum proxy_fault fault;
	size_t taken;

	expect(copy != NULL);
	if (length > 0)
		memcpy(copy, bytes, length);
	taken = proxy_header_parse(span_of(copy, length), &h, &fault);
	expect(taken <= length && taken <= PROXY_HEADER_MOST && fault < PROXY_FAULTS && proxy_fault_text(fault)[0] != '\0');
	if (taken > 0) {
		expect(fault == PROXY_FINE);
		/* with less of it, it is waited for */
		expect(proxy_header_parse(span_of(copy, taken - 1), &h, &fault) == 0 && fault == PROXY_FINE);
		expect(proxy_header_parse(span_of(copy, taken), &h, &fault) == taken);
		round_trip(&h, PROXY_V1);
		round_trip(&h, PROXY_V2);
	} else if (fault == PROXY_FINE)
		expect(length <= PROXY_HEADER_MOST);
	free(copy);
	return 0;
}
