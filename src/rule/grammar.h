/*
 * The rule language: words to rules.  usher.conf(5) describes it.
 *
 *     CONDITION... ACTION
 *     set NAME VALUE
 *     include FILE
 */
#ifndef USHER_GRAMMAR_H
#define USHER_GRAMMAR_H

#include "rule/complaint.h"
#include "rule/rule.h"
#include "rule/settings.h"

/*
 * Add the rule in LINE (NUL-terminated; copied) to RULES, or, where a file may say so (line_number > 0), carry out its `set' on
 * SETTINGS.  An empty line or a comment adds nothing; `include' is refused.  ORIGIN must outlive RULES.
 * Returns 0, or -EINVAL or -ENOSPC with *ret_complaint set; RULES and SETTINGS are then not to be used.
 */
int grammar_line(struct rules *rules, struct settings *settings, const char *origin, unsigned line_number, const char *line,
    struct complaint *ret_complaint);

/*
 * The same for every line of the file PATH and of the files that it includes.  PATH must outlive RULES.  Also returns -ENOMEM, and
 * -errno of open(2), read(2), opendir(3) and lstat(2).
 */
int grammar_file(struct rules *rules, struct settings *settings, const char *path, struct complaint *ret_complaint);

/* The rule `PROTOCOL connect ADDRESS', as the flag --PROTOCOL ADDRESS has it. */
int grammar_flag(struct rules *rules, struct settings *settings, const char *protocol, const char *address,
    struct complaint *ret_complaint);

/*
 * What can be seen to be wrong only when everything was read: a silent= that is longer than the timeout; silent or stalled where
 * the timeout is 0, so that it never comes.  Returns as grammar_line().
 */
int grammar_finish(const struct rules *rules, const struct settings *settings, struct complaint *ret_complaint);

#endif
