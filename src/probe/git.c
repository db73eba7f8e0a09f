#include "probe/probes.h"

/*
 * pkt-line of the git daemon: four hexadecimal digits that count everything, "git-upload-pack PATH NUL host=NAME NUL".  adb's lines
 * begin with such digits, too.
 */
enum verdict
probe_git(struct span in, struct reading *r)
{
	static const char *const services[] = { "git-upload-pack ", "git-receive-pack ", "git-upload-archive ", NULL };
	struct span line, host;
	unsigned length;
	size_t n, path;
	enum verdict verdict = text_number(in, 16, 4, &n, &length);

	if ((verdict == PROBE_YES && n < 4) || (verdict == PROBE_MORE && n == 3 && length == 0))
		return PROBE_NO;
	if (verdict != PROBE_YES)
		return verdict;
	line = span_slice(in, 4, length);
	if (in.length == 4)
		return length < 4 + 16 ? PROBE_NO : PROBE_MORE;
	verdict = length < 4 + 16 ? PROBE_NO : text_any(line, services);
	if (verdict != PROBE_YES)
		return verdict == PROBE_MORE && in.length >= length ? PROBE_NO : verdict;
	r->complete = in.length >= length;
	path = span_find(line, 0, ' ') + 1;
	n = span_find(line, path, '\0');
	if (n == line.length)
		return PROBE_YES;
	text_add(r, "repository", span_slice(line, path, n));
	line = span_slice(line, n + 1, line.length);
	n = span_find(line, 0, '\0');
	if (n < line.length && text_begins(line, "host=")) {
		host = text_host(span_slice(line, 5, n));
		text_add(r, "host", host);
		r->complete = true;
	}
	return PROBE_YES;
}
