#include "probes.h"

/* A larger ClientHello cannot be seen whole (SNIFF_MAX in sniff.h); real ones are below 2 KiB, with post-quantum keys below 4. */
#define HELLO_MAX 65000

/* RFC 8446, section 5.1. */
#define RECORD_MAX 0x4000

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

/* RFC 6066, section 3: a list of type and name; only host names (0) were ever defined. */
static void
read_sni(struct span body, struct reading *r)
{
	struct span list, name;
	uint8_t type;

	if (take16(&body, &list) && span_u8(&list, &type) && type == 0 && take16(&list, &name) && name.length > 0)
		reading_add(r, "sni", name);
}

/* RFC 7301, section 3.1.  Two places of the reading are kept free for what follows. */
static void
read_alpn(struct span body, struct reading *r)
{
	struct span list, name;

	if (!take16(&body, &list))
		return;
	while (r->count < READING_ATTRIBUTES - 2 && take8(&list, &name))
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
	struct span extensions, body, sni = { 0 }, alpn = { 0 }, versions = { 0 }, skipped;
	uint16_t legacy, type;
	bool ech = false;

	if (!span_be16(&s, &legacy))
		return;
	/* Only the extension offers TLS 1.3. */
	if (legacy > 0x0303)
		legacy = 0x0303;
	if (span_skip(&s, 32) && take8(&s, &skipped) && take16(&s, &skipped) && take8(&s, &skipped) && take16(&s, &extensions)) {
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
	}
	read_sni(sni, r);
	read_alpn(alpn, r);
	add_version(r, highest_version(versions, legacy));
	if (ech)
		reading_add(r, "ech", span_of("yes", 3));
}

/* The next record of *IN, cut to what has arrived; its full length in *ret_length. */
static enum verdict
next_record(struct span *in, struct span *ret, size_t *ret_length)
{
	enum verdict verdict = probe_signature(*in, "16 03 00-04 00-40 ??");

	if (verdict != PROBE_YES)
		return verdict;
	*ret_length = (size_t)in->bytes[3] << 8 | in->bytes[4];
	if (*ret_length == 0 || *ret_length > RECORD_MAX)
		return PROBE_NO;
	*ret = span_slice(*in, 5, 5 + *ret_length);
	*in = span_slice(*in, 5 + ret->length, in->length);
	return PROBE_YES;
}

/*
 * How many bytes the handshake message has with its header of four, 0 when that is not known yet.  *ret_have: how many of them have
 * arrived.  PROBE_NO: the records are broken.  PROBE_MORE: r->want says how much more it takes, at the least.
 */
static enum verdict
measure(struct span in, struct reading *r, size_t *ret_need, size_t *ret_records)
{
	struct span rest = in, record;
	size_t have = 0, need = 4, length, records = 0;
	uint32_t head = 0;

	while (have < need) {
		enum verdict verdict = next_record(&rest, &record, &length);

		if (verdict == PROBE_MORE)
			r->want = in.length - rest.length + 5 + need - have;
		if (verdict != PROBE_YES)
			return verdict;
		records++;
		for (size_t i = 0; have + i < 4 && i < record.length; i++)
			head = head << 8 | record.bytes[i];
		have += record.length;
		if (have >= 4)
			need = 4 + (head & 0xffffff);
		if (need > HELLO_MAX)
			return PROBE_NO;
		if (record.length < length && have < need) {
			size_t missing = need - have;

			r->want = in.length + missing + (missing > length - record.length ? 5 : 0);
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

static enum verdict
probe_ssl3(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "16 03 00-04 00-40 ?? 01");
	struct span hello;
	size_t need = 0, records = 0;

	if (in.length >= 5 && verdict != PROBE_NO) {
		size_t length = (size_t)in.bytes[3] << 8 | in.bytes[4];

		if (length == 0 || length > RECORD_MAX)
			return PROBE_NO;
	}
	if (verdict != PROBE_YES)
		return verdict;
	switch (measure(in, r, &need, &records)) {
	case PROBE_MORE:
		return PROBE_YES;
	case PROBE_YES:
		if (assemble(in, r, need, records, &hello) && span_skip(&hello, 4))
			read_hello(hello, r);
		break;
	case PROBE_NO:
		break;
	}
	r->complete = true;
	return PROBE_YES;
}

/*
 * RFC 5246, appendix E.2: length with its highest bit set, 01, version, lengths of ciphers (a multiple of 3), session identifier (0
 * or 16) and challenge (16 to 32), which add up.  ONC-RPC and binary memcached begin alike and do not add up.
 */
static enum verdict
probe_ssl2(struct span in, struct reading *r)
{
	enum verdict v2 = probe_signature(in, "80-ff ?? 01 00 02 ?? ?? 00 ?? 00 ??");
	enum verdict v3 = probe_signature(in, "80-ff ?? 01 03 00-04 ?? ?? 00 ?? 00 ??");
	enum verdict verdict = v2 > v3 ? v2 : v3;
	size_t room, ciphers;

	if (verdict == PROBE_NO || in.length < 2)
		return verdict;
	room = (size_t)(in.bytes[0] & 0x7f) << 8 | in.bytes[1];
	if (room < 9 + 3 + 16)
		return PROBE_NO;
	room -= 9;
	if (in.length >= 6 && ((in.bytes[5] << 8) + 16U > room || (in.bytes[5] << 8 | 0xff) + 16U + 32U < room))
		return PROBE_NO;
	if (in.length < 7)
		return verdict;
	ciphers = (size_t)in.bytes[5] << 8 | in.bytes[6];
	if (ciphers == 0 || ciphers % 3 != 0 || ciphers + 16 > room || ciphers + 16 + 32 < room)
		return PROBE_NO;
	room -= ciphers;
	if (in.length < 9)
		return verdict;
	if ((in.bytes[8] != 0 && in.bytes[8] != 16) || room < in.bytes[8] + 16U || room > in.bytes[8] + 32U)
		return PROBE_NO;
	room -= in.bytes[8];
	if (verdict != PROBE_YES)
		return verdict;
	if (in.bytes[10] != room)
		return PROBE_NO;
	add_version(r, (unsigned)in.bytes[3] << 8 | in.bytes[4]);
	r->complete = true;
	return PROBE_YES;
}

enum verdict
probe_tls(struct span in, struct reading *r)
{
	return in.bytes[0] == 0x16 ? probe_ssl3(in, r) : probe_ssl2(in, r);
}
