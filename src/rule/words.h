/* Cut a line into words, as a shell would: white space between them, quotes around what has some. */
#ifndef USHER_WORDS_H
#define USHER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* More words than any sensible line has; a line with more is refused. */
#define WORDS_MAX 256

/* text: the word without its quotes, NUL-terminated, in the line that was cut.  start: at which byte of that line it began. */
struct word {
	char *text;
	size_t start;
};

/*
 * Cut LINE in place.  Between '...' every byte means itself; between "..." the escapes \r \n \t \\ \" and \xNN are understood.  A
 * line that begins with # has no words.
 * Returns the number of words, or -EINVAL and a static sentence in *ret_reason.
 */
int words_cut(char *line, struct word words[WORDS_MAX], const char **ret_reason);

/* Within a word of a line that is not cut.  Begins with FROM at the start of the word.  quote: the one that is open, or 0. */
struct word_reader {
	const char *from;
	char quote;
};

/*
 * The next byte of the word, and in *ret_quoted whether it was between quotes.
 * Returns the byte, 0 at the end of the word, or -EINVAL and a static sentence in *ret_reason.
 */
int words_next(struct word_reader *r, bool *ret_quoted, const char **ret_reason);

/* The value of a hexadecimal digit, or -1. */
int words_hex(char c);

#endif
