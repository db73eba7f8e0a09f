#include "probe/probes.h"

/* RFC 4253: the identification string with its CR LF has at most 255 bytes. */
#define LINE_MAX_BYTES 255

/*
 * SSH-2.0-OpenSSH_9.2p1 comment CR LF.  The row's prefix has seen to "SSH-".  What is too long, or has no software where a server
 * may still find some, is not read as a server does.
 */
enum verdict
probe_ssh(struct span in, struct reading *r)
{
	size_t dash, end;

	in = span_slice(in, 0, LINE_MAX_BYTES);
	for (end = 4; end < in.length && in.bytes[end] > ' ' && in.bytes[end] < 0x7f; end++)
		;
	dash = span_find(span_slice(in, 0, end), 4, '-');
	if (dash > 4 && dash < end)
		reading_add(r, "version", span_slice(in, 4, dash));
	if (end == in.length) {
		r->complete = end == LINE_MAX_BYTES;
		if (r->complete)
			reading_is_partial(r);
		return PROBE_YES;
	}
	if (dash + 1 < end)
		reading_add(r, "software", span_slice(in, dash + 1, end));
	else if (in.bytes[end] != '\r' && in.bytes[end] != '\n')
		reading_is_partial(r);
	r->complete = true;
	return PROBE_YES;
}
