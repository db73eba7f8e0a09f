#include "probe/probes.h"

/* Length, 06, user and NUL, a key of 32 bytes, its parity. */
enum verdict
probe_winbox(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "23-ff 06");
	size_t user, end;

	if (verdict != PROBE_YES)
		return verdict;
	user = 2 + in.bytes[0] - 34U;
	end = 2U + in.bytes[0];
	for (size_t i = 2; i < user; i++) {
		if (span_at(in, i) < 0)
			return PROBE_MORE;
		if (in.bytes[i] <= ' ' || in.bytes[i] == 0x7f)
			return PROBE_NO;
	}
	if (in.length > user && in.bytes[user] != '\0')
		return PROBE_NO;
	if (in.length > user)
		r->want = end;
	if (in.length < end)
		return PROBE_MORE;
	if (in.bytes[end - 1] > 1)
		return PROBE_NO;
	reading_add(r, "user", span_slice(in, 2, user));
	r->complete = true;
	return PROBE_YES;
}
