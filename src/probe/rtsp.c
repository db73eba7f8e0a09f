/* RTSP and SIP: request lines like HTTP's with another URI. */
#include "probe/probes.h"

#define METHOD_MAX 32

/* A longer URI is nobody's; a server may take it all the same. */
#define URI_MAX 1024

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

/*
 * Host of the URI that follows its scheme: of what comes before one of ENDS, a space or a control character.  WHOLE: what stands
 * before an @ can have ENDS, so it goes on to the space.  With two @ servers differ.
 */
static void
read_host(struct span in, const char *ends, bool whole, struct reading *r)
{
	size_t i = 0, at;

	in = span_slice(in, 0, URI_MAX);
	while (i < in.length && in.bytes[i] > ' ' && (whole || strchr(ends, in.bytes[i]) == NULL))
		i++;
	r->complete = i < in.length || in.length == URI_MAX;
	if (i == in.length) {
		if (r->complete)
			reading_is_partial(r);
		return;
	}
	in = span_slice(in, 0, i);
	at = span_find(in, 0, '@');
	if (at < in.length && span_find(in, at + 1, '@') < in.length)
		reading_is_partial(r);
	in = span_slice(in, at < in.length ? at + 1 : 0, in.length);
	for (i = 0; i < in.length && strchr(ends, in.bytes[i]) == NULL; i++)
		;
	text_add(r, "host", text_host(span_slice(in, 0, i)));
}

/* "/path RTSP/": RFC 2326 has a URI there, but scanners and some cameras' clients send a path.  HTTP has other methods. */
static enum verdict
path(struct span name, struct span in)
{
	static const char *const names[] = { "OPTIONS", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PAUSE", "RECORD", "TEARDOWN",
		"REDIRECT", "GET_PARAMETER", "SET_PARAMETER", NULL };
	size_t i = 0;

	while (names[i] != NULL && !text_is(name, names[i]))
		i++;
	if (names[i] == NULL)
		return PROBE_NO;
	i = 0;
	while (i < in.length && i < URI_MAX && in.bytes[i] > ' ')
		i++;
	return i == in.length && i < URI_MAX ? PROBE_MORE
	       : i == URI_MAX		     ? PROBE_NO
					     : probe_literal(span_slice(in, i, in.length), " RTSP/", 6);
}

/* "OPTIONS * RTSP/1.0", a path, or a URI with one of RTSP's schemes. */
enum verdict
probe_rtsp(struct span in, struct reading *r)
{
	static const char *const schemes[] = { "rtsp://", "rtsps://", "rtspu://", NULL };
	struct span name = span_slice(in, 0, span_find(in, 0, ' '));
	enum verdict verdict = method(&in);
	uint8_t text[8];

	if (verdict != PROBE_YES)
		return verdict;
	r->complete = in.bytes[0] == '*' || in.bytes[0] == '/';
	if (in.bytes[0] == '*')
		return probe_literal(in, "* RTSP/", 7);
	if (in.bytes[0] == '/')
		return path(name, in);
	verdict = text_any(lowered(in, text), schemes);
	if (verdict == PROBE_YES)
		read_host(span_slice(in, span_find(in, 0, '/') + 2, in.length), "/?#", false, r);
	return verdict;
}

/* One empty line or two may come first, as keep-alive. */
enum verdict
probe_sip(struct span in, struct reading *r)
{
	static const char *const schemes[] = { "sip:", "sips:", "tel:", NULL };
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
	/* A telephone number (RFC 3966) has no host. */
	if (verdict == PROBE_YES && text[0] == 't')
		r->complete = true;
	else if (verdict == PROBE_YES)
		read_host(span_slice(in, span_find(in, 0, ':') + 1, in.length), ";?>", true, r);
	return verdict;
}
