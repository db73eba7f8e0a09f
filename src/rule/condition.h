/* A word to a condition. */
#ifndef USHER_CONDITION_H
#define USHER_CONDITION_H

#include "rule/parser.h"
#include "rule/rule.h"
#include "rule/words.h"

/*
 * Add the condition in W to RULE behind **TAIL, which then points to the new end.  WRITTEN: the line before it was cut into words.
 * Returns 0, or -EINVAL or -ENOSPC with a complaint.
 */
int condition_parse(struct parser *p, struct rule *rule, struct condition ***tail, struct word *w, const char *written);

#endif
