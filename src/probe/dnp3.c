#include "probe/probes.h"

/* The polynomial 13D65, reflected; all bits inverted at the end. */
static unsigned
checksum(struct span in)
{
	unsigned crc = 0;

	for (size_t i = 0; i < in.length; i++) {
		crc ^= in.bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xa6bc : crc >> 1;
	}
	return crc ^ 0xffff;
}

/* Start, length, control (from the primary station), destination, source, checksum. */
enum verdict
probe_dnp3(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "05 64 05-ff 40-ff ?? ?? ?? ?? ?? ??");
	unsigned crc;

	(void)r;
	if (in.length >= 4 && (in.bytes[3] & 0x40) == 0)
		return PROBE_NO;
	if (verdict == PROBE_NO || in.length < 9)
		return verdict;
	crc = checksum(span_slice(in, 0, 8));
	if (in.bytes[8] != (crc & 0xff))
		return PROBE_NO;
	return verdict == PROBE_YES && in.bytes[9] != crc >> 8 ? PROBE_NO : verdict;
}
