#include "probe/probes.h"

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

/* What legacy pings have before the host: FE 01 FA, "MC|PingHost" in UTF-16, length, version, length of the host. */
#define LEGACY_HEAD 32

/* The host in UTF-16; a longer one, or one beyond ASCII, is not read. */
static void
read_legacy_host(struct span in, struct reading *r)
{
	enum verdict verdict =
	    probe_signature(in, "fe 01 fa 00 0b 00 4d 00 43 00 7c 00 50 00 69 00 6e 00 67 00 48 00 6f 00 73 00 74");
	size_t length = in.length >= LEGACY_HEAD ? (size_t)in.bytes[LEGACY_HEAD - 2] << 8 | in.bytes[LEGACY_HEAD - 1] : 0;
	const uint8_t *host = r->scratch;

	if (verdict == PROBE_MORE)
		return;
	if (verdict == PROBE_YES && length <= 255 && in.length < LEGACY_HEAD + 2 * length + (length == 0)) {
		r->want = LEGACY_HEAD + 2 * length;
		return;
	}
	r->complete = true;
	if (verdict == PROBE_NO || length > 255) {
		reading_is_partial(r);
		return;
	}
	for (size_t i = LEGACY_HEAD; i < LEGACY_HEAD + 2 * length; i += 2)
		if (in.bytes[i] != 0 || in.bytes[i + 1] >= 0x80 || reading_keep(r, span_slice(in, i + 1, i + 2)) == NULL) {
			reading_is_partial(r);
			return;
		}
	text_add(r, "host", span_of(host, length));
}

/* Clients before 1.7 ask for the server's state with FE 01, those of 1.6 with FE 01 FA and the host that they were told to ask. */
enum verdict
probe_minecraft(struct span in, struct reading *r)
{
	enum verdict legacy = probe_signature(in, "fe 01 fa"), verdict = handshake(in, r);

	if (legacy == PROBE_YES)
		read_legacy_host(in, r);
	return probe_best(legacy, verdict);
}
