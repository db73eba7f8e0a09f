#include "probes.h"

/*
 * Length, then the request's number: ApiVersions (18), which clients send first, or, from old ones, Metadata (3); version,
 * correlation number, client identifier with a length of two bytes, -1 for none.
 */
enum verdict
probe_kafka(struct span in, struct reading *r)
{
	enum verdict api_versions = probe_signature(in, "00 00 ?? ?? 00 12 00 00-04 ?? ?? ?? ?? ?? ??");
	enum verdict metadata = probe_signature(in, "00 00 ?? ?? 00 03 00 00-0d 00 ?? ?? ?? ?? ??");
	enum verdict verdict = probe_best(api_versions, metadata);
	size_t length, client;

	(void)r;
	if (verdict == PROBE_NO || in.length < 4)
		return verdict;
	length = (size_t)in.bytes[2] << 8 | in.bytes[3];
	if (length < 10 || (in.length >= 13 && in.bytes[12] > 0x01 && in.bytes[12] != 0xff))
		return PROBE_NO;
	if (verdict == PROBE_MORE)
		return verdict;
	client = (size_t)in.bytes[12] << 8 | in.bytes[13];
	return client == 0xffff || 10 + client <= length ? PROBE_YES : PROBE_NO;
}
