#include "probes.h"

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

/* Names and quoted values up to the end of the tag; "to" has the host (to= in a rule is our own address). */
static void
read_tag(struct span in, struct reading *r)
{
	size_t i = 0, name, equals, end;

	r->complete = in.length >= TAG_MAX;
	in = span_slice(in, 0, TAG_MAX);
	for (;;) {
		i = skip_space(in, i);
		if (i == in.length)
			return;
		name = i;
		while (span_at(in, i) > ' ' && strchr("='\">/", in.bytes[i]) == NULL)
			i++;
		equals = i = skip_space(in, i);
		if (i == in.length)
			return;
		if (equals == name || in.bytes[equals] != '=')
			break;
		i = skip_space(in, i + 1);
		if (i == in.length)
			return;
		if (in.bytes[i] != '\'' && in.bytes[i] != '"')
			break;
		end = span_find(in, i + 1, in.bytes[i]);
		if (end == in.length)
			return;
		if (text_is(span_slice(in, name, equals), "to")) {
			text_add(r, "host", span_slice(in, i + 1, end));
			break;
		}
		i = end + 1;
	}
	r->complete = true;
}

/* <?xml ...?>, if it is there, then <stream:stream and a space, as RFC 6120 asks of clients and servers. */
enum verdict
probe_xmpp(struct span in, struct reading *r)
{
	enum verdict declaration = probe_literal(in, "<?xml ", 6), verdict;

	if (declaration == PROBE_YES) {
		struct span head = span_slice(in, 0, PROLOG_MAX);
		size_t end = span_find(head, 6, '>');

		if (end == head.length)
			return in.length < PROLOG_MAX ? PROBE_MORE : PROBE_NO;
		if (in.bytes[end - 1] != '?')
			return PROBE_NO;
		end = skip_space(head, end + 1);
		if (end == in.length)
			return PROBE_MORE;
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
