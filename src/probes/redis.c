#include "probes.h"

/* The server takes arrays of at most 1048576 (seven digits) elements: PROTO_MAX_MULTIBULK_LEN is checked as INT_MAX since 7.0. */
#define DIGITS 10

/* *2\r\n$  An empty array is no command, so the first digit is not 0. */
enum verdict
probe_redis(struct span in, struct reading *r)
{
	size_t i;

	(void)r;
	if (in.bytes[0] != '*')
		return PROBE_NO;
	for (i = 1; i < in.length && i <= DIGITS; i++)
		if (in.bytes[i] < (i == 1 ? '1' : '0') || in.bytes[i] > '9')
			break;
	if (i == 1 && in.length > 1)
		return PROBE_NO;
	return i == in.length ? PROBE_MORE : probe_literal(span_slice(in, i, in.length), "\r\n$", 3);
}
