#include "probe/probes.h"

/* RFC 8446, section 5.1. */
#define RECORD_MAX 0x4000

/*
 * A larger ClientHello cannot be seen whole: SNIFF_MAX (sniff.h) less the headers of four records.  Real ones are below 2 KiB, with
 * post-quantum keys below 4.
 */
#define HELLO_MAX (65536 - 4 * 5)

enum { EXTENSION_SNI = 0, EXTENSION_ALPN = 16, EXTENSION_VERSIONS = 43, EXTENSION_ECH = 0xfe0d };

/* RFC 8701: values that mean nothing, so that servers stay used to such. */
static bool
is_grease(unsigned value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void
add_version(struct reading *r, unsigned version)
{
	static const char *const names[] = { "3.0", "1.0", "1.1", "1.2", "1.3" };

	if (version == 0x0002)
		reading_add(r, "version", span_of("2.0", 3));
	else if (version >= 0x0300 && version <= 0x0304)
		reading_add(r, "version", span_of(names[version & 0xff], 3));
}

/* The next LENGTH-prefixed piece of *IN, with a length of two bytes. */
static bool
take16(struct span *in, struct span *ret)
{
	uint16_t length;

	return span_be16(in, &length) && span_take(in, length, ret);
}

static bool
take8(struct span *in, struct span *ret)
{
	uint8_t length;

	return span_u8(in, &length) && span_take(in, length, ret);
}

/* RFC 6066, section 3: a list of type and name; only host names (0) were ever defined.  A server may make more of another one. */
static void
read_sni(struct span body, struct reading *r)
{
	struct span list, name;
	uint8_t type;

	if (take16(&body, &list) && span_u8(&list, &type) && type == 0 && take16(&list, &name) && name.length > 0)
		reading_add(r, "sni", name);
	else
		reading_is_partial(r);
}

/* RFC 7301, section 3.1. */
static void
read_alpn(struct span body, struct reading *r)
{
	struct span list, name;

	if (!take16(&body, &list))
		return;
	while (take8(&list, &name))
		if (name.length > 0 && !(name.length == 2 && is_grease((unsigned)name.bytes[0] << 8 | name.bytes[1])))
			reading_add(r, "alpn", name);
}

/* RFC 8446, section 4.2.1: the highest version on offer, or LEGACY where none is known. */
static unsigned
highest_version(struct span body, unsigned legacy)
{
	unsigned highest = 0;
	struct span list;
	uint16_t version;

	if (take8(&body, &list))
		while (span_be16(&list, &version))
			if (version <= 0x0304 && version > highest)
				highest = version;
	return highest > 0 ? highest : legacy;
}

/* The body of a ClientHello, all of it.  What is malformed ends the reading; attributes that came before stand. */
static void
read_hello(struct span s, struct reading *r)
{
	struct span extensions = { 0 }, body, sni = { 0 }, alpn = { 0 }, versions = { 0 }, skipped;
	uint16_t legacy, type;
	bool ech = false;

	if (!span_be16(&s, &legacy)) {
		reading_is_partial(r);
		return;
	}
	/* Only the extension offers TLS 1.3. */
	if (legacy > 0x0303)
		legacy = 0x0303;
	if (!span_skip(&s, 32) || !take8(&s, &skipped) || !take16(&s, &skipped) || !take8(&s, &skipped) ||
	    (s.length > 0 && !take16(&s, &extensions)))
		reading_is_partial(r);
	while (span_be16(&extensions, &type) && take16(&extensions, &body)) {
		if (type == EXTENSION_SNI && sni.bytes == NULL)
			sni = body;
		else if (type == EXTENSION_ALPN && alpn.bytes == NULL)
			alpn = body;
		else if (type == EXTENSION_VERSIONS && versions.bytes == NULL)
			versions = body;
		else if (type == EXTENSION_ECH)
			ech = true;
	}
	if (extensions.length > 0)
		reading_is_partial(r);
	if (sni.bytes != NULL)
		read_sni(sni, r);
	read_alpn(alpn, r);
	add_version(r, highest_version(versions, legacy));
	if (ech)
		reading_add(r, "ech", span_of("yes", 3));
}

/*
 * The next record of *IN, cut to what has arrived; its full length in *ret_length, which can be 0: OpenSSL passes over such.  Any
 * version 3.x: RFC 8446, section 5.1, has it ignored, and servers do.
 */
static enum verdict
next_record(struct span *in, struct span *ret, size_t *ret_length)
{
	enum verdict verdict = probe_signature(*in, "16 03 ?? 00-40 ??");

	if (verdict != PROBE_YES)
		return verdict;
	*ret_length = (size_t)in->bytes[3] << 8 | in->bytes[4];
	if (*ret_length > RECORD_MAX)
		return PROBE_NO;
	*ret = span_slice(*in, 5, 5 + *ret_length);
	*in = span_slice(*in, 5 + ret->length, in->length);
	return PROBE_YES;
}

/*
 * How many bytes the handshake message has with its header of four.  *ret_records: in how many records.  PROBE_NO: the records are
 * broken, or it is too large to be seen whole.  PROBE_MORE: r->want says how much more it takes, at the least.
 */
static enum verdict
measure(struct span in, struct reading *r, size_t *ret_need, size_t *ret_records)
{
	struct span rest = in, record;
	size_t have = 0, need = 4, length, records = 0;
	uint32_t head = 0;

	while (have < need) {
		/* A header is looked at when there is all of it, so that a dribble is not asked about at each of its bytes. */
		if (rest.length < 5) {
			r->want = in.length - rest.length + 5;
			return PROBE_MORE;
		}
		if (next_record(&rest, &record, &length) != PROBE_YES)
			return PROBE_NO;
		records++;
		for (size_t i = 0; have + i < 4 && i < record.length; i++)
			head = head << 8 | record.bytes[i];
		have += record.length;
		if (have >= 4)
			need = 4 + (head & 0xffffff);
		if (need > HELLO_MAX)
			return PROBE_NO;
		if (record.length < length && have < need) {
			size_t missing = need - have, left = length - record.length;

			r->want = in.length + (missing <= left ? missing : left + 5);
			return PROBE_MORE;
		}
	}
	*ret_need = need;
	*ret_records = records;
	return PROBE_YES;
}

/* The handshake message in one piece: where it stands, or, out of several records, in the scratch space. */
static bool
assemble(struct span in, struct reading *r, size_t need, size_t records, struct span *ret)
{
	struct span record;
	size_t length;
	const uint8_t *start = r->scratch;

	/* An empty record, or several, may come first. */
	if (records == 1) {
		*ret = span_slice(in, 5, 5 + need);
		return true;
	}
	for (size_t i = 0; i < records; i++)
		if (next_record(&in, &record, &length) != PROBE_YES || reading_keep(r, record) == NULL)
			return false;
	*ret = span_of(start, need);
	return true;
}

/* Whether a ClientHello begins here: empty records, then one whose first byte is its type. */
static enum verdict
hello_begins(struct span in)
{
	struct span record;
	size_t length = 0;
	enum verdict verdict;

	do {
		verdict = next_record(&in, &record, &length);
	} while (verdict == PROBE_YES && length == 0);
	return verdict == PROBE_YES ? probe_literal(record, "\1", 1) : verdict;
}

static enum verdict
probe_ssl3(struct span in, struct reading *r)
{
	enum verdict verdict = hello_begins(in);
	struct span hello;
	size_t need = 0, records = 0;

	if (verdict != PROBE_YES)
		return verdict;
	switch (measure(in, r, &need, &records)) {
	case PROBE_MORE:
		return PROBE_YES;
	case PROBE_YES:
		if (assemble(in, r, need, records, &hello) && span_skip(&hello, 4))
			read_hello(hello, r);
		else
			reading_is_partial(r);
		break;
	case PROBE_NO:
		/* OpenSSL also takes an alert for a warning here, and goes on with the message. */
		reading_is_partial(r);
		break;
	}
	r->complete = true;
	return PROBE_YES;
}

/*
 * RFC 5246, appendix E.2: length with its highest bit set, 01, version, lengths of ciphers (a multiple of 3), session identifier
 * (up to 32) and challenge, which add up.  The RFC has challenges of 16 to 32 bytes; OpenSSL's ssl3_get_record() and
 * tls_process_client_hello() take any, so here they have up to 255.  ONC-RPC and binary memcached begin alike and do not add up.
 */
static enum verdict
probe_ssl2(struct span in, struct reading *r)
{
	enum verdict verdict =
	    probe_signature(in, "80-ff ?? 01 00 02 ?? ?? 00 00-20 00 ?? | 80-ff ?? 01 03 ?? ?? ?? 00 00-20 00 ??");
	unsigned version;
	size_t room, ciphers;

	if (verdict == PROBE_NO || in.length < 2)
		return verdict;
	room = (size_t)(in.bytes[0] & 0x7f) << 8 | in.bytes[1];
	if (room < 9 + 3)
		return PROBE_NO;
	room -= 9;
	if (in.length >= 6 && ((size_t)in.bytes[5] << 8 > room || (in.bytes[5] << 8 | 0xff) + 32U + 255U < room))
		return PROBE_NO;
	if (in.length < 7)
		return verdict;
	ciphers = (size_t)in.bytes[5] << 8 | in.bytes[6];
	if (ciphers == 0 || ciphers % 3 != 0 || ciphers > room || ciphers + 32 + 255 < room)
		return PROBE_NO;
	room -= ciphers;
	if (in.length < 9)
		return verdict;
	if (room < in.bytes[8] || room > in.bytes[8] + 255U)
		return PROBE_NO;
	room -= in.bytes[8];
	if (verdict != PROBE_YES)
		return verdict;
	if (in.bytes[10] != room)
		return PROBE_NO;
	version = (unsigned)in.bytes[3] << 8 | in.bytes[4];
	add_version(r, version > 0x0303 ? 0x0303 : version);
	r->complete = true;
	return PROBE_YES;
}

enum verdict
probe_tls(struct span in, struct reading *r)
{
	return in.bytes[0] == 0x16 ? probe_ssl3(in, r) : probe_ssl2(in, r);
}
