#include "probe/probes.h"

/* The longest registered method has 17 letters. */
#define METHOD_MAX 32

/* Where the parts of a request line stand. */
struct request {
	struct span method, target;
	bool known;	/* a method that no other text protocol has before a path; RTSP has OPTIONS */
};

static bool
is_known(struct span method)
{
	static const char *const names[] = { "GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT",
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
	enum verdict no_target, scheme;
	size_t i = 1;

	*ret_http = false;
	if (in.length == 0)
		return PROBE_MORE;
	if (in.bytes[0] == '/') {
		*ret_http = true;
		return PROBE_YES;
	}
	no_target = probe_literal(in, "HTTP/1.", 7);
	if (no_target == PROBE_YES) {
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
	scheme = i == in.length ? PROBE_MORE : probe_literal(span_slice(in, i, in.length), "://", 3);
	return probe_best(scheme, no_target);
}

static size_t
skip_spaces(struct span in, size_t from)
{
	while (span_at(in, from) == ' ')
		from++;
	return from;
}

/* The target runs to a space, after which stands the version. */
static enum verdict
version_follows(struct span in)
{
	size_t i = 0;

	while (i < in.length && in.bytes[i] > ' ' && in.bytes[i] != 0x7f)
		i++;
	if (i == in.length)
		return PROBE_MORE;
	return in.bytes[i] != ' ' ? PROBE_NO : probe_literal(span_slice(in, skip_spaces(in, i), in.length), "HTTP/1.", 7);
}

/*
 * The host of AUTHORITY.  Servers differ in what they make of one that is not as RFC 9110 has it (user names, letters behind the
 * colon, commas, control characters), so what they take for the host is then not known.
 */
static void
add_host(struct reading *r, struct span authority)
{
	struct span host = text_host(authority);
	size_t from = (size_t)(host.bytes - authority.bytes) + host.length;
	bool sound = host.bytes == authority.bytes;

	for (size_t i = 0; i < host.length; i++)
		if (host.bytes[i] <= ' ' || host.bytes[i] == 0x7f || strchr("\"#,/<>?@\\^`{|}", host.bytes[i]) != NULL)
			sound = false;
	for (size_t i = from; i < authority.length; i++)
		if (i == from ? authority.bytes[i] != ':' : !text_is_digit(authority.bytes[i]))
			sound = false;
	if (!sound)
		reading_is_partial(r);
	text_add(r, "host", host);
}

/* Path without query, and, of an absolute form or of CONNECT, the host, which overrides the header (RFC 9112, section 3.2.2). */
static bool
read_target(const struct request *q, struct reading *r)
{
	struct span t = q->target;
	size_t colon, slash;

	if (text_is(q->method, "CONNECT") && span_at(t, 0) != '/') {
		add_host(r, t);
		return true;
	}
	t = span_slice(t, 0, span_find(t, 0, '?'));
	if (span_at(t, 0) == '/' || span_at(t, 0) == '*') {
		text_add(r, "path", t);
		return false;
	}
	colon = span_find(t, 0, ':');
	if (!text_begins(span_slice(t, colon, t.length), "://")) {
		text_add(r, "path", t);
		return false;
	}
	slash = span_find(t, colon + 3, '/');
	text_add(r, "path", slash < t.length ? span_slice(t, slash, t.length) : span_of("/", 1));
	/* without a host a server may take the header's */
	if (slash <= colon + 3)
		return false;
	add_host(r, span_slice(t, colon + 3, slash));
	return true;
}

/* Where the line of IN that begins at FROM ends; in.length when it has not arrived whole.  Many short lines must cost little. */
static size_t
line_end(struct span in, size_t from)
{
	size_t to = from + 16 < in.length ? from + 16 : in.length;

	while (from < to)
		if (in.bytes[from++] == '\n')
			return from - 1;
	return span_find(in, from, '\n');
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

/* Whether LINE is the header NAME (lower case); lenient servers allow white space before the colon. */
static bool
is_header(struct span line, const char *name, struct span *ret_value)
{
	size_t i = strlen(name);

	if (!text_begins(line, name))
		return false;
	while (span_at(line, i) == ' ' || span_at(line, i) == '\t')
		i++;
	if (span_at(line, i) != ':')
		return false;
	*ret_value = trimmed(span_slice(line, i + 1, line.length));
	return true;
}

/* Upgrade is a list (RFC 9110, section 7.8). */
static void
add_upgrades(struct reading *r, struct span list)
{
	for (size_t at = 0, end; at < list.length; at = end + 1) {
		end = span_find(list, at, ',');
		text_add(r, "upgrade", trimmed(span_slice(list, at, end)));
	}
}

/*
 * The header section from FROM to its empty line.  Of several Host headers a server may take any, so every one is read.  A value
 * may stand on the line after its name (obs-fold in RFC 9112, section 5.2).
 */
static void
read_headers(struct span in, size_t from, bool have_host, struct reading *r)
{
	const char *folded = NULL;

	for (size_t end; (end = line_end(in, from)) < in.length; from = end + 1) {
		int first = in.bytes[from], lower = first | 0x20;
		struct span line, value = { 0 };
		const char *name = NULL;

		if (first == '\n' || (first == '\r' && end == from + 1)) {
			r->complete = true;
			return;
		}
		if (folded == NULL && lower != 'h' && lower != 'u')
			continue;
		line = span_slice(in, from, in.bytes[end - 1] == '\r' ? end - 1 : end);
		if ((first == ' ' || first == '\t') && folded != NULL) {
			name = folded;
			value = trimmed(line);
		} else if (!have_host && is_header(line, "host", &value))
			name = "host";
		else if (is_header(line, "upgrade", &value))
			name = "upgrade";
		folded = value.length == 0 ? name : NULL;
		if (name != NULL && *name == 'h' && value.length > 0)
			add_host(r, value);
		else if (name != NULL)
			add_upgrades(r, value);
	}
}

static void
read_request(struct span in, struct request *q, struct reading *r)
{
	size_t end = 0, line;
	bool have_host = false;

	reading_add(r, "method", q->method);
	while (end < in.length && in.bytes[end] > ' ' && in.bytes[end] != 0x7f)
		end++;
	if (end == in.length)
		return;
	q->target = span_slice(in, 0, end);
	if (probe_literal(q->target, "HTTP/1.", 7) != PROBE_YES)
		have_host = read_target(q, r);
	else
		end = 0;
	line = span_find(in, end, '\n');
	if (line == in.length)
		return;
	/* A request line of method and target alone is HTTP/0.9, which has no headers. */
	if (trimmed(span_slice(in, end, in.bytes[line - 1] == '\r' ? line - 1 : line)).length > 0)
		read_headers(in, line + 1, have_host, r);
	else
		r->complete = true;
}

/*
 * Methods are case-sensitive (RFC 9110, section 9.1), and all that are registered, and what WebDAV, UPnP and others have added, are
 * made of these, a letter first.  So what else there is need not be waited for.
 */
static bool
is_method(int c, size_t index)
{
	return (c >= 'A' && c <= 'Z') || (index > 0 && (text_is_digit(c) || c == '-' || c == '_'));
}

/*
 * When it is HTTP: a known method before "/", "http://", "https://", "HTTP/1." (no target, which servers answer) or, for CONNECT,
 * the first letter of a host can be no RTSP, SIP or PROXY line, so that is enough.  Anything else that looks so (an unknown method,
 * OPTIONS, "*", another scheme) waits for " HTTP/1.", for RTSP and SIP only differ there.  So does any other target of a known
 * method: scanners send "GET . HTTP/1.0", and servers answer, if only with 400.  One empty line may come before (RFC 9112, section
 * 2.2).
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
	while (i < METHOD_MAX && is_method(span_at(in, i), i))
		i++;
	if (i == in.length)
		return PROBE_MORE;
	if (i == 0 || in.bytes[i] != ' ')
		return PROBE_NO;
	q.method = span_slice(in, 0, i);
	q.known = is_known(q.method);
	in = span_slice(in, skip_spaces(in, i), in.length);
	if (text_is(q.method, "CONNECT")) {
		if (in.length == 0)
			return PROBE_MORE;
		if (in.bytes[0] != '/' && !text_is_alpha(in.bytes[0]) && !text_is_digit(in.bytes[0]) && in.bytes[0] != '[' &&
		    in.bytes[0] != '_')
			return PROBE_NO;
	} else {
		verdict = target_begins(in, &http);
		if (q.known ? verdict == PROBE_NO || (verdict == PROBE_YES && !http) : verdict == PROBE_YES)
			verdict = version_follows(in);
		if (verdict != PROBE_YES)
			return verdict;
	}
	read_request(in, &q, r);
	return PROBE_YES;
}
