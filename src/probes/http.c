#include "probes.h"

/* The longest registered method has 17 letters. */
#define METHOD_MAX 32
/* What servers take is less; beyond this nothing is read, so that a peer that dribbles costs little. */
#define SECTION_MAX 16384
#define HEADERS_MAX 200

/* Where the parts of a request line stand. */
struct request {
	struct span method, target;
	bool known;	/* a method that no other text protocol has before a path */
};

static bool
is_known(struct span method)
{
	static const char *const names[] = { "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT",
	    "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (text_is(method, names[i]))
			return true;
	return false;
}

/* How the target begins: "/", "*" or a scheme and "://".  "sip:" and other URIs without "//" are refused after the colon. */
static enum verdict
target_begins(struct span in, bool *ret_http)
{
	size_t i = 1;

	*ret_http = false;
	if (in.length == 0)
		return PROBE_MORE;
	if (in.bytes[0] == '/') {
		*ret_http = true;
		return PROBE_YES;
	}
	if (in.bytes[0] == '*')
		return in.length == 1 ? PROBE_MORE : in.bytes[1] == ' ' ? PROBE_YES : PROBE_NO;
	if (!text_is_alpha(in.bytes[0]))
		return PROBE_NO;
	while (i < in.length && i < METHOD_MAX && (text_is_alpha(in.bytes[i]) || text_is_digit(in.bytes[i]) ||
	    in.bytes[i] == '+' || in.bytes[i] == '-' || in.bytes[i] == '.'))
		i++;
	*ret_http = text_begins(in, "http://") || text_begins(in, "https://");
	return i == in.length ? PROBE_MORE : probe_literal(span_slice(in, i, in.length), "://", 3);
}

/* The target runs to a space, after which stands the version. */
static enum verdict
version_follows(struct span in)
{
	size_t i = 0;

	while (i < in.length && i < SECTION_MAX && in.bytes[i] > ' ' && in.bytes[i] != 0x7f)
		i++;
	if (i == in.length)
		return PROBE_MORE;
	return probe_literal(span_slice(in, i, in.length), " HTTP/1.", 8);
}

/* Path without query, and, of an absolute form or of CONNECT, the host, which overrides the header (RFC 9112, section 3.2.2). */
static bool
read_target(const struct request *q, struct reading *r)
{
	struct span t = q->target;
	size_t colon, slash;

	if (text_is(q->method, "CONNECT")) {
		text_add(r, "host", text_host(t));
		return true;
	}
	t = span_slice(t, 0, span_find(t, 0, '?'));
	if (span_at(t, 0) == '/' || span_at(t, 0) == '*') {
		text_add(r, "path", t);
		return false;
	}
	colon = span_find(t, 0, ':');
	slash = span_find(t, colon + 3, '/');
	text_add(r, "path", slash < t.length ? span_slice(t, slash, t.length) : span_of("/", 1));
	text_add(r, "host", text_host(span_slice(t, colon + 3, slash)));
	return true;
}

/* The next line of *IN without its end; false when it has not arrived whole. */
static bool
next_line(struct span *in, struct span *ret)
{
	size_t end = span_find(*in, 0, '\n');

	if (end == in->length)
		return false;
	*ret = span_slice(*in, 0, end > 0 && in->bytes[end - 1] == '\r' ? end - 1 : end);
	return span_skip(in, end + 1);
}

/* VALUE without the white space around it. */
static struct span
trimmed(struct span value)
{
	while (span_at(value, 0) == ' ' || span_at(value, 0) == '\t')
		value = span_slice(value, 1, value.length);
	while (value.length > 0 && (value.bytes[value.length - 1] == ' ' || value.bytes[value.length - 1] == '\t'))
		value.length--;
	return value;
}

/* The header section, to its empty line. */
static void
read_headers(struct span in, bool have_host, struct reading *r)
{
	struct span line;

	for (unsigned count = 0; next_line(&in, &line); count++) {
		if (line.length == 0 || count == HEADERS_MAX) {
			r->complete = true;
			return;
		}
		if (text_begins(line, "upgrade:"))
			text_add(r, "upgrade", trimmed(span_slice(line, 8, line.length)));
		if (have_host || !text_begins(line, "host:"))
			continue;
		have_host = true;
		text_add(r, "host", text_host(trimmed(span_slice(line, 5, line.length))));
	}
}

static void
read_request(struct span in, struct request *q, struct reading *r)
{
	struct span line;
	size_t end = 0;
	bool have_host;

	reading_add(r, "method", q->method);
	r->complete = in.length >= SECTION_MAX;
	in = span_slice(in, 0, SECTION_MAX);
	while (end < in.length && in.bytes[end] > ' ' && in.bytes[end] != 0x7f)
		end++;
	if (end == in.length)
		return;
	q->target = span_slice(in, 0, end);
	have_host = read_target(q, r);
	if (!next_line(&in, &line))
		return;
	/* A request line without version is HTTP/0.9, which has no headers. */
	if (text_begins(span_slice(line, end, line.length), " http/"))
		read_headers(in, have_host, r);
	else
		r->complete = true;
}

/*
 * When it is HTTP: a known method before "/", "http://", "https://" or, for CONNECT, the first letter of a host can be no RTSP, SIP
 * or PROXY line, so that is enough.  Anything else that looks so (an unknown method, "*", another scheme) waits for " HTTP/1.", for
 * RTSP and SIP only differ there.  One empty line may come before (RFC 9112, section 2.2).
 */
enum verdict
probe_http(struct span in, struct reading *r)
{
	struct request q = { 0 };
	enum verdict verdict;
	bool http;
	size_t i = 0;

	if (in.bytes[0] == '\r' || in.bytes[0] == '\n') {
		size_t crlf = in.bytes[0] == '\r' ? 2 : 1;

		verdict = probe_literal(in, crlf == 2 ? "\r\n" : "\n", crlf);
		if (verdict != PROBE_YES || in.length == crlf)
			return verdict == PROBE_NO ? PROBE_NO : PROBE_MORE;
		span_skip(&in, crlf);
	}
	while (i < METHOD_MAX && text_is_token(span_at(in, i)))
		i++;
	if (i == in.length)
		return PROBE_MORE;
	if (i == 0 || in.bytes[i] != ' ')
		return PROBE_NO;
	q.method = span_slice(in, 0, i);
	q.known = is_known(q.method);
	in = span_slice(in, i + 1, in.length);
	if (text_is(q.method, "CONNECT")) {
		if (in.length == 0)
			return PROBE_MORE;
		if (!text_is_alpha(in.bytes[0]) && !text_is_digit(in.bytes[0]) && in.bytes[0] != '[' && in.bytes[0] != '_')
			return PROBE_NO;
	} else {
		verdict = target_begins(in, &http);
		if (verdict == PROBE_YES && !(http && q.known))
			verdict = version_follows(in);
		if (verdict != PROBE_YES)
			return verdict;
	}
	read_request(in, &q, r);
	return PROBE_YES;
}
