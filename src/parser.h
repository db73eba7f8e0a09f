/* What the parts of the rule parser share: grammar.c (lines and files), condition.c and action.c. */
#ifndef USHER_PARSER_H
#define USHER_PARSER_H

#include <stddef.h>

#include "grammar.h"
#include "rule.h"
#include "words.h"

/* Where the parser is, what it adds to, and where it complains. */
struct parser {
	struct rules *rules;
	const char *origin;
	unsigned line;
	struct complaint *complaint;
};

/* Complain of READ, where something else was EXPECTED.  Returns -EINVAL. */
int parser_refuse(struct parser *p, const char *read, const char *expected);

/* SIZE zeroed bytes that last as long as the rules, or NULL with a complaint. */
void *parser_reserve(struct parser *p, size_t size);

/* Cut LIST at its commas, in place.  Returns a NULL-terminated array of *ret_count items, or NULL with a complaint. */
char **parser_list(struct parser *p, char *list, size_t *ret_count);

/*
 * Add the condition in W to RULE behind **TAIL, which then points to the new end.
 * Returns 0, or -EINVAL or -ENOSPC with a complaint.
 */
int condition_parse(struct parser *p, struct rule *rule, struct condition ***tail, struct word *w);

/* Which of actions W names, or -1: none, it is a condition. */
int action_find(const struct word *w);

/* Parse action number ACTION from the COUNT words behind its name.  Returns as condition_parse(). */
int action_parse(struct parser *p, struct action *a, int action, const struct word *words, int count);

#endif
