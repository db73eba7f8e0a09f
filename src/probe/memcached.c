#include "probe/probes.h"

#define KEY_MAX 250

/* A number at the front of *IN and the space behind it, past which *IN is moved. */
static enum verdict
skip_number(struct span *in)
{
	size_t n = span_at(*in, 0) == '-', digits = n;

	while (text_is_digit(span_at(*in, n)))
		n++;
	if (n == in->length)
		return PROBE_MORE;
	if (n == digits || in->bytes[n] != ' ')
		return PROBE_NO;
	span_skip(in, n + 1);
	return PROBE_YES;
}

/*
 * "set KEY FLAGS EXPIRY LENGTH".  Redis has commands of the same names, of which only "set KEY VALUE" goes on, and not with
 * numbers.
 */
static enum verdict
storage(struct span in)
{
	static const char *const words[] = { "set ", "add ", "replace ", "append ", "prepend ", "cas ", NULL };
	enum verdict verdict = text_any(in, words);
	size_t key = 0;

	if (verdict != PROBE_YES)
		return verdict;
	in = span_slice(in, span_find(in, 0, ' ') + 1, in.length);
	while (key < in.length && key <= KEY_MAX && in.bytes[key] > ' ' && in.bytes[key] != 0x7f)
		key++;
	if (key == in.length && key <= KEY_MAX)
		return PROBE_MORE;
	if (key == 0 || key > KEY_MAX || in.bytes[key] != ' ')
		return PROBE_NO;
	span_skip(&in, key + 1);
	for (int i = 0; i < 2; i++)
		if ((verdict = skip_number(&in)) != PROBE_YES)
			return verdict;
	return in.length == 0 ? PROBE_MORE : text_is_digit(in.bytes[0]) ? PROBE_YES : PROBE_NO;
}

/* A command, then a space where it has arguments, or the end of the line. */
static enum verdict
text(struct span in)
{
	static const char *const words[] = { "get ", "gets ", "gat ", "gats ", "incr ", "decr ", "delete ", "touch ", "stats\r",
		"stats\n", "stats ", "flush_all\r", "flush_all\n", "flush_all ", "version\r", "version\n", "verbosity ", "quit\r",
		"quit\n", "mg ", "ms ", "md ", "ma ", "me ", "mn\r", NULL };

	return probe_best(text_any(in, words), storage(in));
}

#define KEY 0x80

/*
 * What an operation has of extras, and whether it has a key.  Those that may or may not, and what others added, are not looked at.
 */
static enum verdict
operation(unsigned opcode, unsigned key, int extras)
{
	static const unsigned char needs[] = { KEY, KEY | 8, KEY | 8, KEY | 8, KEY, KEY | 20, KEY | 20, 0, 0xff, KEY, 0, 0,
	    KEY, KEY, KEY, KEY, 0xff, KEY | 8, KEY | 8, KEY | 8, KEY, KEY | 20, KEY | 20, 0, 0xff, KEY, KEY, 4, KEY | 4,
	    KEY | 4, KEY | 4 };

	if (opcode >= sizeof needs || needs[opcode] == 0xff)
		return PROBE_YES;
	return (key > 0) == ((needs[opcode] & KEY) != 0) && (extras < 0 || extras == (needs[opcode] & ~KEY)) ? PROBE_YES : PROBE_NO;
}

/*
 * Magic, operation, key length (at most 250), extras length, no data type, vbucket, length of the body, which holds extras and key.
 * ONC-RPC, Skinny and Thrift begin alike.
 */
static enum verdict
binary(struct span in)
{
	enum verdict verdict = probe_signature(in, "80 00-7f 00 00-fa 00-20 00 ?? ?? 00-01 ?? ?? ??");
	uint32_t body;

	if (in.length >= 4 && operation(in.bytes[1], in.bytes[3], span_at(in, 4)) == PROBE_NO)
		return PROBE_NO;
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
