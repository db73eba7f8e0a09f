/* LDAP and Kerberos: messages in ASN.1's basic and distinguished encoding rules. */
#include "probe/probes.h"

/* A length of the basic encoding rules at FROM; *ret_bytes: how many bytes it has itself.  More than a MiB is nobody's greeting. */
static enum verdict
ber_length(struct span in, size_t from, size_t *ret_bytes, size_t *ret)
{
	int first = span_at(in, from);
	size_t length = 0;

	if (first < 0)
		return PROBE_MORE;
	if (first == 0x80 || first > 0x84)
		return PROBE_NO;
	*ret_bytes = first < 0x80 ? 1 : 1 + (size_t)(first & 0x7f);
	if (first < 0x80)
		length = (size_t)first;
	for (size_t i = 1; i < *ret_bytes; i++) {
		int byte = span_at(in, from + i);

		if (byte < 0)
			return PROBE_MORE;
		length = length << 8 | (size_t)byte;
		/* Of what is still to come, all but the last three bytes must be zero, and of those the first is small. */
		if (length >> (*ret_bytes - 1 - i > 2 ? 0 : 20 - 8 * (*ret_bytes - 1 - i)) > 0)
			return PROBE_NO;
	}
	*ret = length;
	return PROBE_YES;
}

/* A sequence that begins with an integer, the message's number, and goes on with a request, which need not be a bind. */
enum verdict
probe_ldap(struct span in, struct reading *r)
{
	/* unbind, delete, abandon; bind, search, modify, add, modify name, compare, extended */
	static const char requests[] = "\x42\x4a\x50\x60\x63\x66\x68\x6c\x6e\x77";
	size_t n = 0, length = 0, at;
	enum verdict verdict = probe_literal(in, "\x30", 1);
	int digits, tag;

	(void)r;
	if (verdict == PROBE_YES)
		verdict = ber_length(in, 1, &n, &length);
	if (verdict != PROBE_YES)
		return verdict;
	if (length < 5)
		return PROBE_NO;
	at = 1 + n;
	verdict = probe_signature(span_slice(in, at, in.length), "02 01-04");
	if (verdict != PROBE_YES)
		return verdict;
	digits = in.bytes[at + 1];
	tag = span_at(in, at + 2 + (size_t)digits);
	if (span_at(in, at + 2) >= 0x80)
		return PROBE_NO;
	if (tag < 0)
		return PROBE_MORE;
	return tag != 0 && strchr(requests, tag) != NULL ? PROBE_YES : PROBE_NO;
}

/*
 * Length, then AS-REQ (6A) or TGS-REQ (6C) with a length of its own that fits the first one, and a sequence.  RFC 4120 asks for the
 * shortest form of the length; servers take a longer one, and scanners send it.
 */
enum verdict
probe_kerberos(struct span in, struct reading *r)
{
	size_t length = (size_t)in.bytes[2] << 8 | in.bytes[3], n = 0;
	int first = span_at(in, 5), digits = first < 0x80 ? 0 : first & 0x7f;
	uint8_t want[1 + 4 + 1];

	(void)r;
	if (length < 32 || digits > 4 || first == 0x80)
		return PROBE_NO;
	if (first < 0)
		return PROBE_MORE;
	length -= 2 + (size_t)digits;
	if (digits > 0)
		want[n++] = (uint8_t)first;
	else if (length >= 0x80)
		return PROBE_NO;
	for (int i = digits > 0 ? digits - 1 : 0; i >= 0; i--)
		want[n++] = (uint8_t)(length >> 8 * i);
	want[n++] = 0x30;
	return probe_literal(span_slice(in, 5, in.length), want, n);
}
