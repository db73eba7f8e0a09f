#include "probes.h"

/* A varint of at most LIMIT bytes at *AT, which is moved past it. */
static enum verdict
varint(struct span in, size_t *at, unsigned limit, uint32_t *ret)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < limit; i++) {
		int byte = span_at(in, *at + i);

		if (byte < 0)
			return PROBE_MORE;
		value |= (uint32_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*at += i + 1;
			*ret = value;
			return PROBE_YES;
		}
	}
	return PROBE_NO;
}

/*
 * Length, packet 0, protocol version, host, port, next state (status, login, transfer); the host's length must fit the packet's.
 * What mod loaders append to the host begins with NUL.
 */
static enum verdict
handshake(struct span in, struct reading *r)
{
	uint32_t length = 0, version, host = 0;
	size_t at = 0, body, end;
	enum verdict verdict = varint(in, &at, 2, &length);

	if (verdict != PROBE_YES)
		return verdict;
	body = at;
	if (length < 7 || length > 1 + 5 + 2 + 1020 + 3)
		return PROBE_NO;
	verdict = probe_literal(span_slice(in, at, in.length), "\0", 1);
	at++;
	if (verdict == PROBE_YES)
		verdict = varint(in, &at, 5, &version);
	if (verdict == PROBE_YES)
		verdict = varint(in, &at, 2, &host);
	if (verdict != PROBE_YES)
		return verdict;
	end = at + host;
	if (host == 0 || end + 3 != body + length)
		return PROBE_NO;
	for (size_t i = at; i < end; i++)
		if (span_at(in, i) >= 0 && in.bytes[i] < ' ' && in.bytes[i] != '\0')
			return PROBE_NO;
	if (in.length < end + 3) {
		/* Host and port refuse nothing but control characters. */
		r->want = in.length >= end ? end + 3 : 0;
		return PROBE_MORE;
	}
	if (in.bytes[end + 2] < 1 || in.bytes[end + 2] > 3)
		return PROBE_NO;
	text_add(r, "host", span_slice(in, at, span_find(span_slice(in, 0, end), at, '\0')));
	r->complete = true;
	return PROBE_YES;
}

/* Clients before 1.7 ask for the server's state with FE 01. */
enum verdict
probe_minecraft(struct span in, struct reading *r)
{
	enum verdict legacy = probe_signature(in, "fe 01 fa"), verdict = handshake(in, r);

	if (legacy == PROBE_YES)
		r->complete = true;
	return probe_best(legacy, verdict);
}
