#include "probe/probes.h"

/* An XML declaration and what else may come before the stream's tag; the tag itself. */
#define PROLOG_MAX 256
#define TAG_MAX 4096

static size_t
skip_space(struct span in, size_t i)
{
	while (span_at(in, i) == ' ' || span_at(in, i) == '\t' || span_at(in, i) == '\r' || span_at(in, i) == '\n')
		i++;
	return i;
}

/*
 * Names and quoted values up to the end of the tag, or to the value of "to", which *ret_host is set to (to= in a rule is our own
 * address).  PROBE_NO: this is no tag.
 */
static enum verdict
find_host(struct span in, struct span *ret_host)
{
	size_t i = 0, name, equals, end;

	for (;;) {
		i = skip_space(in, i);
		name = i;
		while (span_at(in, i) > ' ' && strchr("='\">/", in.bytes[i]) == NULL)
			i++;
		equals = i = skip_space(in, i);
		if (i == in.length)
			return PROBE_MORE;
		if (equals == name && (in.bytes[i] == '>' || in.bytes[i] == '/'))
			return PROBE_YES;
		if (equals == name || in.bytes[equals] != '=')
			return PROBE_NO;
		i = skip_space(in, i + 1);
		if (i == in.length)
			return PROBE_MORE;
		if (in.bytes[i] != '\'' && in.bytes[i] != '"')
			return PROBE_NO;
		end = span_find(in, i + 1, in.bytes[i]);
		if (end == in.length)
			return PROBE_MORE;
		if (text_is(span_slice(in, name, equals), "to")) {
			*ret_host = span_slice(in, i + 1, end);
			return PROBE_YES;
		}
		i = end + 1;
	}
}

/* A reference in the host (&#46; is a dot) is resolved by servers, and not here; what is malformed or too long is not read. */
static void
read_tag(struct span in, struct reading *r)
{
	struct span host = { 0 };
	enum verdict verdict;

	in = span_slice(in, 0, TAG_MAX);
	verdict = find_host(in, &host);
	if (verdict == PROBE_MORE && in.length < TAG_MAX)
		return;
	r->complete = true;
	if (verdict != PROBE_YES || span_find(host, 0, '&') < host.length)
		reading_is_partial(r);
	text_add(r, "host", host);
}

/*
 * <?xml ...?>, if it is there, then <stream:stream and a space, as RFC 6120 asks of clients and servers.  No greeting has a longer
 * declaration than PROLOG_MAX, but a server reads on: what hides its host so is XMPP whose host is not known.
 */
enum verdict
probe_xmpp(struct span in, struct reading *r)
{
	enum verdict declaration = probe_literal(in, "<?xml ", 6), verdict;

	if (declaration == PROBE_YES) {
		struct span head = span_slice(in, 0, PROLOG_MAX);
		size_t end = span_find(head, 6, '>');

		if (end < head.length && in.bytes[end - 1] != '?')
			return PROBE_NO;
		end = skip_space(head, end + 1);
		if (end >= head.length) {
			r->complete = head.length == PROLOG_MAX;
			if (r->complete)
				reading_is_partial(r);
			return r->complete ? PROBE_YES : PROBE_MORE;
		}
		in = span_slice(in, end, in.length);
	}
	verdict = probe_literal(in, "<stream:stream", 14);
	if (verdict == PROBE_YES && in.length == 14)
		verdict = PROBE_MORE;
	if (verdict == PROBE_YES && skip_space(in, 14) == 14)
		return PROBE_NO;
	if (verdict == PROBE_YES)
		read_tag(span_slice(in, 14, in.length), r);
	return declaration == PROBE_YES ? verdict : probe_best(verdict, declaration);
}
