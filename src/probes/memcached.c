#include "probes.h"

/* A command, then a space where it has arguments, or the end of the line. */
static enum verdict
text(struct span in)
{
	static const char *const words[] = { "get ", "gets ", "gat ", "gats ", "set ", "add ", "replace ", "append ", "prepend ",
	    "cas ", "incr ", "decr ", "delete ", "touch ", "stats\r", "stats\n", "stats ", "flush_all\r", "flush_all\n",
	    "flush_all ", "version\r", "version\n", "verbosity ", "quit\r", "quit\n", "mg ", "ms ", "md ", "ma ", "me ",
	    "mn\r", NULL };

	return text_any(in, words);
}

/*
 * Magic, operation, key length (at most 250), extras length, no data type, vbucket, length of the body, which holds extras and key.
 * ONC-RPC and Thrift begin alike.
 */
static enum verdict
binary(struct span in)
{
	enum verdict verdict = probe_signature(in, "80 00-7f 00 00-fa 00-20 00 ?? ?? 00-01 ?? ?? ??");
	uint32_t body;

	if (verdict != PROBE_YES)
		return verdict;
	body = (uint32_t)in.bytes[8] << 24 | (uint32_t)in.bytes[9] << 16 | (uint32_t)in.bytes[10] << 8 | in.bytes[11];
	return body >= (uint32_t)in.bytes[3] + in.bytes[4] ? PROBE_YES : PROBE_NO;
}

enum verdict
probe_memcached(struct span in, struct reading *r)
{
	(void)r;
	return in.bytes[0] == 0x80 ? binary(in) : text(in);
}
