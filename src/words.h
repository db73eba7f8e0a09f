/* Cut a line into words, as a shell would: white space between them, quotes around what has some. */
#ifndef USHER_WORDS_H
#define USHER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* More words than any sensible line has; a line with more is refused. */
#define WORDS_MAX 256

/*
 * text: the word without its quotes, NUL-terminated, in the line that was cut.  start: where it began in that line, in bytes,
 * counted before it was cut.  quoted: the bytes of text up to here were between quotes, or came before some, and so mean only themselves.
 */
struct word {
	char *text;
	size_t start;
	size_t quoted;
};

/*
 * Cut LINE in place.  Between '...' every byte means itself; between "..." the escapes \r \n \t \\ \" and \xNN are understood.  A
 * line that begins with # has no words.
 * Returns the number of words, or -EINVAL and a static sentence in *ret_reason.
 */
int words_cut(char *line, struct word words[WORDS_MAX], const char **ret_reason);

/* The value of a hexadecimal digit, or -1. */
int words_hex(char c);

#endif
