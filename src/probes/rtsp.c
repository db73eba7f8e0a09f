/* RTSP and SIP: request lines like HTTP's with another URI. */
#include "probes.h"

#define METHOD_MAX 32

/* A method and a space at the front of *IN, which is then moved past them. */
static enum verdict
method(struct span *in)
{
	size_t i = 0;

	while (i < METHOD_MAX && text_is_token(span_at(*in, i)))
		i++;
	if (i == in->length)
		return PROBE_MORE;
	if (i == 0 || in->bytes[i] != ' ')
		return PROBE_NO;
	return span_skip(in, i + 1) && in->length > 0 ? PROBE_YES : PROBE_MORE;
}

/* The front of IN with letters in lower case, for schemes. */
static struct span
lowered(struct span in, uint8_t text[8])
{
	size_t n = in.length < 8 ? in.length : 8;

	for (size_t i = 0; i < n; i++)
		text[i] = (uint8_t)text_lower(in.bytes[i]);
	return span_of(text, n);
}

/* Host of the URI that follows its scheme, up to a space or a control character; then it ends at one of ENDS. */
static void
read_host(struct span in, const char *ends, struct reading *r)
{
	size_t i = 0, at;

	in = span_slice(in, 0, 1024);
	while (i < in.length && in.bytes[i] > ' ')
		i++;
	r->complete = i < in.length || in.length == 1024;
	if (i == in.length)
		return;
	in = span_slice(in, 0, i);
	at = span_find(in, 0, '@');
	in = span_slice(in, at < in.length ? at + 1 : 0, in.length);
	for (i = 0; i < in.length && strchr(ends, in.bytes[i]) == NULL; i++)
		;
	text_add(r, "host", text_host(span_slice(in, 0, i)));
}

/* "OPTIONS * RTSP/1.0" or a URI with one of RTSP's schemes. */
enum verdict
probe_rtsp(struct span in, struct reading *r)
{
	static const char *const schemes[] = { "rtsp://", "rtsps://", "rtspu://", NULL };
	enum verdict verdict = method(&in);
	uint8_t text[8];

	if (verdict != PROBE_YES)
		return verdict;
	if (in.bytes[0] == '*') {
		r->complete = true;
		return probe_literal(in, "* RTSP/", 7);
	}
	verdict = text_any(lowered(in, text), schemes);
	if (verdict == PROBE_YES)
		read_host(span_slice(in, span_find(in, 0, '/') + 2, in.length), "/?", r);
	return verdict;
}

/* One empty line or two may come first, as keep-alive. */
enum verdict
probe_sip(struct span in, struct reading *r)
{
	static const char *const schemes[] = { "sip:", "sips:", NULL };
	enum verdict verdict;
	uint8_t text[8];

	for (int i = 0; i < 2 && in.bytes[0] == '\r'; i++) {
		if (in.length > 1 && in.bytes[1] != '\n')
			return PROBE_NO;
		if (!span_skip(&in, 2) || in.length == 0)
			return PROBE_MORE;
	}
	verdict = method(&in);
	if (verdict == PROBE_YES)
		verdict = text_any(lowered(in, text), schemes);
	if (verdict == PROBE_YES)
		read_host(span_slice(in, span_find(in, 0, ':') + 1, in.length), ";?>", r);
	return verdict;
}
