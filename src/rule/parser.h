/* What the parts of the rule parser share: where it is, and room for what it makes. */
#ifndef USHER_PARSER_H
#define USHER_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "rule/complaint.h"
#include "rule/rule.h"

/*
 * Where the parser is, what it adds to, and where it complains.  is_file: origin is a file that is being read.  from: where it is
 * included, or NULL.  may_be_gone: it was found by a pattern, and is not an error if it is there no more.
 */
struct parser {
	struct rules *rules;
	const char *origin;
	unsigned line;
	struct complaint *complaint;
	bool is_file;
	const struct parser *from;
	bool may_be_gone;
};

/* Complain of READ, where something else was EXPECTED.  Returns -EINVAL. */
int parser_refuse(struct parser *p, const char *read, const char *expected);

/* SIZE zeroed bytes that last as long as the rules, or NULL with a complaint. */
void *parser_reserve(struct parser *p, size_t size);

/*
 * Cut LIST at its commas, in place, to a NULL-terminated array of *ret_count items.  Returns 0, or -EINVAL or -ENOSPC with a
 * complaint.
 */
int parser_list(struct parser *p, char *list, char ***ret_items, size_t *ret_count);

#endif
