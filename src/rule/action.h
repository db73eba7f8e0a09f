/* Words to an action. */
#ifndef USHER_ACTION_H
#define USHER_ACTION_H

#include "rule/parser.h"
#include "rule/rule.h"
#include "rule/words.h"

/* Which of actions W names, or -1: none, it is a condition. */
int action_find(const struct word *w);

/* Parse action number ACTION from the COUNT words behind its name.  Returns as condition_parse(). */
int action_parse(struct parser *p, struct action *a, int action, const struct word *words, int count);

/*
 * The settings that hold where A is carried out: ALL, or where A has options, a copy with those in *OWN.  Returns which it is.
 */
const struct settings *action_settings(const struct action *a, const struct settings *all, struct settings *own);

#endif
