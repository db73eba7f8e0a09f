/*
 * The protocol table: which protocols usher knows by the first bytes that a client sends.
 *
 * A probe is a pure function of those bytes: it allocates nothing, keeps nothing and is final.  Once it answers other than
 * PROBE_MORE no further byte changes the verdict, and every proper prefix of bytes that it says PROBE_YES to gets PROBE_MORE or
 * PROBE_YES.  Running out of the bytes that have arrived is PROBE_MORE; running out of an inner length-delimited field is
 * PROBE_NO.  tests/unit/test-probe.c and tests/fuzz/ assert this for every row.
 */
#ifndef USHER_PROBE_H
#define USHER_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/logfmt.h"
#include "base/span.h"
#include "probe/reading.h"

enum verdict { PROBE_NO, PROBE_MORE, PROBE_YES };

/* How a rule's value is compared with what was read; see rule/glob.h. */
enum attribute_type { ATTRIBUTE_TEXT, ATTRIBUTE_ANY_CASE, ATTRIBUTE_HOST };

/* An attribute that a probe may read. */
struct attribute_kind {
	const char *name;
	enum attribute_type type;
};

/*
 * A row of the table.  prefix: the literal bytes that it begins with; bytes: in place of prefix, a signature of probe_signature(),
 * in probes.h.  Either alone makes a whole row; parse, a function in src/probe/, is called only while it holds in full.
 * aliases: what else people call it, parted by spaces.
 * signature: what is looked for, in words, for --protocols.
 * to_yes, to_no: bytes needed at the least; 0: as prefix or bytes say, and for to_no without either, 1.
 * named_only: what it looks for could be many things, so probe_identify() leaves it out and only a rule that names it asks.
 */
struct probe {
	const char *name, *aliases;
	const char *prefix, *bytes;
	const char *signature;
	enum verdict (*parse)(struct span in, struct reading *r);
	struct attribute_kind attributes[PROBE_ATTRIBUTES + 1];
	unsigned short to_yes, to_no;
	bool named_only;
};

/* The table in the order in which an unnamed protocol is looked for: the more specific first.  Ends at a row without name. */
extern const struct probe probes[];

/* The row called NAME, or that NAME is an alias of (https, ssl: tls); NULL if there is none. */
const struct probe *probe_find(const char *name);

/* How many bytes a YES and a NO take at the least. */
void probe_least(const struct probe *probe, unsigned *ret_yes, unsigned *ret_no);

/*
 * Ask PROBE about IN.  The reading is cleared first, except for its scratch space, which the caller must have set.
 */
enum verdict probe_read(const struct probe *probe, struct span in, struct reading *r);

/*
 * Name the protocol of IN: the first row of the table that says PROBE_YES while every earlier one says PROBE_NO; while an earlier
 * row still says PROBE_MORE, PROBE_MORE is returned unless FINAL, which takes every PROBE_MORE for PROBE_NO.  On PROBE_YES
 * *ret_probe is the row and *r its reading.
 */
enum verdict probe_identify(struct span in, bool final, const struct probe **ret_probe, struct reading *r);

/*
 * Add protocol= and the attributes that were read of HAVE bytes to the log line L.  PROBE NULL: unknown, or silent where there were
 * no bytes.
 */
void probe_describe(struct logfmt *l, const struct probe *probe, const struct reading *reading, size_t have);

#endif
