/* What is wrong with a rule, a setting or a flag. */
#ifndef USHER_COMPLAINT_H
#define USHER_COMPLAINT_H

/* The first thing that was wrong, as a sentence for the administrator: ORIGIN:LINE: what was read, what was expected. */
struct complaint {
	char text[512];
};

/* Write a complaint.  ORIGIN NULL: no place; LINE 0: no line.  Returns -EINVAL. */
int complain(struct complaint *c, const char *origin, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
