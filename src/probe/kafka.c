#include "probe/probes.h"

/*
 * The requests that a client may begin with, and no version that there is, with room for some to come.  Kafka's *Request.json have,
 * as validVersions, JoinGroup up to 9, SaslHandshake 1 and ApiVersions 4, of which KIP-1242 adds a fifth.  Revisions of the others
 * that
 * were read, not the newest: Produce 8, ListOffsets 8, OffsetCommit and OffsetFetch 9, Metadata 11, Fetch 11, FindCoordinator and
 * InitProducerId 4.
 */
static unsigned
last_version(unsigned request)
{
	switch (request) {
	case 0:		/* Produce */
	case 1:		/* Fetch */
	case 3:		/* Metadata */
		return 24;
	case 2:		/* ListOffsets */
	case 8:		/* OffsetCommit */
	case 9:		/* OffsetFetch */
	case 10:	/* FindCoordinator */
	case 11:	/* JoinGroup */
	case 22:	/* InitProducerId */
		return 15;
	case 18:	/* ApiVersions */
		return 7;
	default:	/* SaslHandshake */
		return 1;
	}
}

static bool
is_request(unsigned request)
{
	return request <= 3 || (request >= 8 && request <= 11) || request == 17 || request == 18 || request == 22;
}

/* The client's identifier, as far as it takes to tell text from numbers. */
static enum verdict
identifier(struct span in, size_t length)
{
	for (size_t i = 0; i < length && i < 8; i++) {
		int c = span_at(in, i);

		if (c < 0)
			return PROBE_MORE;
		if (c < ' ' || c > '~')
			return PROBE_NO;
	}
	return PROBE_YES;
}

/*
 * Length (below 64 KiB), the request's number, which is ApiVersions (18) in all newer clients, version, correlation number, client
 * identifier with a length of two bytes, -1 for none.  All but ApiVersions need a small correlation number, or PostgreSQL's startup
 * reads like Metadata; all but the two need an identifier that is not empty.
 */
enum verdict
probe_kafka(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "00 00 ?? ?? 00 00-16 00 00-18 ?? ?? ?? ?? ?? ??");
	unsigned request = in.length >= 6 ? in.bytes[5] : 18;
	size_t length, client;

	(void)r;
	if (verdict == PROBE_NO || in.length < 4)
		return verdict;
	length = (size_t)in.bytes[2] << 8 | in.bytes[3];
	if (length < 10 || !is_request(request) || (in.length >= 8 && in.bytes[7] > last_version(request)) ||
	    (in.length >= 9 && request != 18 && in.bytes[8] != 0) ||
	    (in.length >= 13 && in.bytes[12] > 0x01 && in.bytes[12] != 0xff))
		return PROBE_NO;
	if (verdict == PROBE_MORE)
		return verdict;
	client = (size_t)in.bytes[12] << 8 | in.bytes[13];
	if (client == 0xffff)
		return PROBE_YES;
	if (10 + client > length || (client == 0 && request != 3 && request != 18))
		return PROBE_NO;
	return request == 18 ? PROBE_YES : identifier(span_slice(in, 14, in.length), client);
}
