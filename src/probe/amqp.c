#include "probe/probes.h"

/* AMQP and four bytes: protocol (0: AMQP, 2: TLS, 3: SASL) and version 1.0; or, before 1.0, a class or zero and the version. */
enum verdict
probe_amqp(struct span in, struct reading *r)
{
	static const struct {
		const char *signature, *version;
	} versions[] = {
		{ "00 00 09 01", "0-9-1" },
		{ "00-03 01 00 00", "1.0" },
		{ "01 01 00 0a", "0-10" },
		{ "01 01 00 09", "0-9" },
		{ "01 01 09 01", "0-9-1" },
		{ "01 01 08 00", "0-8" },
	};
	struct span rest = span_slice(in, 4, in.length);
	enum verdict verdict = PROBE_NO;

	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		enum verdict this = probe_signature(rest, versions[i].signature);

		verdict = probe_best(verdict, this);
		if (this == PROBE_YES)
			reading_add(r, "version", span_of(versions[i].version, strlen(versions[i].version)));
	}
	r->complete = true;
	return verdict;
}
