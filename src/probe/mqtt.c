#include "probe/probes.h"

/* The parts of a CONNECT packet that precede its payload. */
struct connect {
	struct span rest;	/* what has arrived of the packet after them */
	size_t end;		/* where the packet ends */
	uint8_t flags, level;
};

/* The bytes that a length of four bytes at most, seven bits each, the least first, has; 0: not all there. *ret < 0: too many. */
static size_t
varint(struct span in, size_t from, int64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < 4; i++) {
		int byte = span_at(in, from + i);

		if (byte < 0)
			return 0;
		*ret |= (int64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80)
			return i + 1;
	}
	*ret = -1;
	return 4;
}

/* A string: two bytes of length, then its bytes. */
static bool
string(struct span *in, struct span *ret)
{
	struct span s = *in;
	uint16_t length;

	if (!span_be16(&s, &length) || !span_take(&s, length, ret))
		return false;
	*in = s;
	return true;
}

/* Properties of version 5: a length and that many bytes. */
static bool
skip_properties(struct span *in)
{
	int64_t length;
	size_t n = varint(*in, 0, &length);

	return n > 0 && length >= 0 && span_skip(in, n) && span_skip(in, (size_t)length);
}

/* Keep-alive, properties, client identifier, will (properties, topic, payload), user. */
static void
read_payload(struct connect *c, struct reading *r)
{
	struct span s = c->rest, skipped, client, user;
	bool v5 = (c->level & 0x7f) == 5;

	if (!span_skip(&s, 2) || (v5 && !skip_properties(&s)) || !string(&s, &client))
		return;
	/* Not "client", which is the peer in every log line. */
	if (client.length > 0)
		reading_add(r, "client_id", client);
	if ((c->flags & 0x80) == 0) {
		r->complete = true;
		return;
	}
	if ((c->flags & 0x04) != 0 && ((v5 && !skip_properties(&s)) || !string(&s, &skipped) || !string(&s, &skipped)))
		return;
	if (!string(&s, &user))
		return;
	if (user.length > 0)
		reading_add(r, "user", user);
	r->complete = true;
}

/* Protocol name and level; bridges between brokers set the level's highest bit. */
static enum verdict
name_and_level(struct span in)
{
	enum verdict v3 = probe_signature(in, "00 06 4d 51 49 73 64 70 ??");
	enum verdict v45 = probe_signature(in, "00 04 4d 51 54 54 ??");

	if (v3 == PROBE_YES)
		return (in.bytes[8] & 0x7f) == 3 ? PROBE_YES : PROBE_NO;
	if (v45 == PROBE_YES)
		return (in.bytes[6] & 0x7f) == 4 || (in.bytes[6] & 0x7f) == 5 ? PROBE_YES : PROBE_NO;
	return v3 > v45 ? v3 : v45;
}

enum verdict
probe_mqtt(struct span in, struct reading *r)
{
	struct connect c;
	enum verdict verdict;
	int64_t length;
	size_t n, head;

	if (in.bytes[0] != 0x10)
		return PROBE_NO;
	n = varint(in, 1, &length);
	if (n == 0)
		return PROBE_MORE;
	/* The shortest CONNECT has 12 bytes after the length; a length has no needless byte. */
	if (length < 12 || (n > 1 && in.bytes[n] == 0))
		return PROBE_NO;
	verdict = name_and_level(span_slice(in, 1 + n, in.length));
	if (verdict != PROBE_YES)
		return verdict;
	head = 1 + n + (in.bytes[1 + n + 1] == 6 ? 9 : 7);
	c.level = in.bytes[head - 1];
	c.end = 1 + n + (size_t)length;
	c.flags = head < in.length ? in.bytes[head] : 0;
	c.rest = span_slice(in, head + 1, c.end);
	if (head < in.length)
		read_payload(&c, r);
	/* The packet ends before its payload does. */
	if (!r->complete && in.length >= c.end) {
		r->complete = true;
		reading_is_partial(r);
	}
	return PROBE_YES;
}
