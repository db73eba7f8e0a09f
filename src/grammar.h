/*
 * The rule language: words to rules.  usher.conf(5) describes it.
 *
 *     CONDITION... ACTION
 *     set NAME VALUE
 */
#ifndef USHER_GRAMMAR_H
#define USHER_GRAMMAR_H

#include <stddef.h>

#include "options.h"
#include "rule.h"

/* The first thing that was wrong, as a sentence for the administrator: ORIGIN:LINE: what was read, what was expected. */
struct complaint {
	char text[512];
};

/*
 * Add the rule in LINE (NUL-terminated; copied) to RULES, or, where a file may say so (line_number > 0), carry out its `set' on
 * SETTINGS.  An empty line or a comment adds nothing.  ORIGIN must outlive RULES.
 * Returns 0, or -EINVAL or -ENOSPC with *ret_complaint set; RULES and SETTINGS are then not to be used.
 */
int grammar_line(struct rules *rules, struct settings *settings, const char *origin, unsigned line_number, const char *line,
    struct complaint *ret_complaint);

/* The same for every line of the file PATH.  Also returns -errno of open(2) and read(2). */
int grammar_file(struct rules *rules, struct settings *settings, const char *path, struct complaint *ret_complaint);

/* The rule `PROTOCOL connect ADDRESS', as the flag --PROTOCOL ADDRESS has it. */
int grammar_flag(struct rules *rules, struct settings *settings, const char *protocol, const char *address,
    struct complaint *ret_complaint);

/*
 * What is only wrong in company, once all is read: a silent= that is longer than the timeout.  Returns as grammar_line().
 */
int grammar_finish(const struct rules *rules, const struct settings *settings, struct complaint *ret_complaint);

/* Write a complaint with FORMAT. Returns -EINVAL. */
int complain(struct complaint *c, const char *origin, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
