/* Fixed bytes at fixed places: the conditions bytes= and text=. */
#ifndef USHER_PATTERN_H
#define USHER_PATTERN_H

#include "rule/parser.h"
#include "rule/rule.h"
#include "rule/words.h"

/* Make C a condition of the patterns HEX[@OFFSET],... in VALUE, which is cut.  Returns 0, -EINVAL or -ENOSPC with a complaint. */
int pattern_bytes(struct parser *p, struct condition *c, char *value);

/*
 * The same for TEXT[@OFFSET],...  The patterns stay in VALUE.  R reads VALUE as it was written: it alone knows which commas and @
 * were between quotes.
 */
int pattern_text(struct parser *p, struct condition *c, char *value, struct word_reader r);

#endif
