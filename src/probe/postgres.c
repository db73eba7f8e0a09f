#include "probe/probes.h"

/* The server takes no longer start-up packet: MAX_STARTUP_PACKET_LENGTH in libpq/pqcomm.h. */
#define STARTUP_MAX 10000

/* The NUL-terminated string at the front of *IN. */
static bool
string(struct span *in, struct span *ret)
{
	size_t end = span_find(*in, 0, '\0');

	return end < in->length && span_take(in, end, ret) && span_skip(in, 1);
}

static bool
is_text(struct span s, const char *text)
{
	return s.length == strlen(text) && span_agrees(s, text, s.length);
}

/*
 * Pairs of name and value up to an empty name.  Without a database, or with an empty name, the server takes the one called as the
 * user; of several it takes the last.
 */
static void
read_parameters(struct span in, size_t length, struct reading *r)
{
	static const char *const names[] = { "user", "database", "application_name" };
	struct span list = span_slice(in, 8, length), name, value, user = { 0 };
	bool user_is_database = true;

	while (string(&list, &name)) {
		if (name.length == 0) {
			r->complete = true;
			if (user_is_database && user.length > 0)
				reading_add(r, "database", user);
			return;
		}
		if (!string(&list, &value))
			break;
		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
			if (is_text(name, names[i]) && (value.length > 0 || i != 1))
				reading_add(r, names[i], value);
		if (is_text(name, "user"))
			user = value;
		if (is_text(name, "database"))
			user_is_database = value.length == 0;
	}
	/* The packet ends before its list does. */
	if (in.length >= length) {
		r->complete = true;
		reading_is_partial(r);
	}
}

/*
 * Length, then a number that is a version (3.x) or one of the requests.  Kafka's metadata request of version 0 reads like version
 * 3.0, but its ninth byte is not the first letter of a parameter's name.
 */
enum verdict
probe_postgres(struct span in, struct reading *r)
{
	enum verdict ssl = probe_signature(in, "00 00 00 08 04 d2 16 2f-30");
	enum verdict cancel = probe_signature(in, "00 00 00-01 ?? 04 d2 16 2e");
	enum verdict startup = probe_signature(in, "00 00 00-27 ?? 00 03 ?? ?? 41-7a");
	enum verdict verdict;
	size_t length = 0;

	if (in.length >= 4) {
		length = (size_t)in.bytes[2] << 8 | in.bytes[3];
		/* A cancel key has four bytes, from version 3.2 on up to 256. */
		if (length < 16 || length > 12 + 256)
			cancel = PROBE_NO;
		if (length < 16 || length > STARTUP_MAX)
			startup = PROBE_NO;
	}
	if (startup == PROBE_YES)
		read_parameters(in, length, r);
	else
		r->complete = true;
	verdict = ssl > cancel ? ssl : cancel;
	return startup > verdict ? startup : verdict;
}
