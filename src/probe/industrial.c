/* What machines and their controllers speak, where fixed bytes alone do not tell it. */
#include "probe/probes.h"

/* Behind the two zeros: a length of all that follows, little-endian; at 26 that of the data, which is 32 less. */
enum verdict
probe_ads(struct span in, struct reading *r)
{
	/* target and its port, source and its port; command, flags of a request, length of the data, no error */
	enum verdict verdict = probe_signature(in, "00 00 ?? ?? 00 00 ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? "
	    "01-09 00 04 00 ?? ?? 00 00 00 00 00 00");

	(void)r;
	if (in.length >= 4 && (in.bytes[3] << 8 | in.bytes[2]) < 32)
		return PROBE_NO;
	if (in.length >= 28 && (in.bytes[3] << 8 | in.bytes[2]) != (in.bytes[27] << 8 | in.bytes[26]) + 32)
		return PROBE_NO;
	return verdict;
}

/*
 * TPKT, X.224 connection request and a parameter, the size of data units (C0) or the name of a side (C1, C2), where RDP has a
 * cookie, its own negotiation request or nothing.  The lengths must agree as RDP's do.
 */
enum verdict
probe_iso_tsap(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "03 00 00-01 ?? 08-fe e0 00 00 ?? ?? 00-4f c0 01 07-0d | "
	    "03 00 00-01 ?? 08-fe e0 00 00 ?? ?? 00-4f c1-c2 00-20");

	(void)r;
	if (in.length >= 5 && (in.bytes[2] << 8 | in.bytes[3]) != in.bytes[4] + 5)
		return PROBE_NO;
	if (in.length >= 13 && in.bytes[12] + 8 > in.bytes[4])
		return PROBE_NO;
	return verdict;
}

/*
 * The polynomial 1021, beginning with all bits set, none inverted at the end, as check_crc() in Wireshark's packet-synphasor.c has
 * it; so do the frames that other implementations are tested with, of which a command is a sample of tests/corpus.
 */
static unsigned
checksum(struct span in)
{
	unsigned crc = 0xffff;

	for (size_t i = 0; i < in.length; i++) {
		crc ^= (unsigned)in.bytes[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
	}
	return crc;
}

/*
 * AA, kind of frame (data, header, three of configuration, command) and version, size of the frame, stream, time, and at the end a
 * checksum.  A collector begins with a command, a station that was told to send begins with data.
 */
enum verdict
probe_synchrophasor(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "aa 01-53 00-1f ??");
	size_t size, least;

	if (verdict == PROBE_NO || in.length < 2)
		return verdict;
	if ((in.bytes[1] & 15) < 1 || (in.bytes[1] & 15) > 3)
		return PROBE_NO;
	if (verdict == PROBE_MORE)
		return verdict;
	size = (size_t)in.bytes[2] << 8 | in.bytes[3];
	least = in.bytes[1] >> 4 == 4 ? 18 : 17;
	if (size < least)
		return PROBE_NO;
	r->want = size;
	if (in.length < size)
		return PROBE_MORE;
	if (checksum(span_slice(in, 0, size - 2)) != ((unsigned)in.bytes[size - 2] << 8 | in.bytes[size - 1]))
		return PROBE_NO;
	return PROBE_YES;
}
