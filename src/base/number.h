/* Decimal numbers in the command line, in rules and in the environment. */
#ifndef USHER_NUMBER_H
#define USHER_NUMBER_H

#include <stdint.h>

/*
 * Take the digits at the beginning of TEXT.  Zeros in front are allowed; a sign and a blank are not digits. Returns 0, with what is
 * behind the digits in *ret_rest; -EINVAL when there is no digit; -ERANGE when the number is more than MOST.
 */
int number_take(const char *text, uint64_t most, uint64_t *ret, const char **ret_rest);

/* The same for the whole of TEXT: also -EINVAL when anything is behind the digits. */
int number_parse(const char *text, uint64_t most, uint64_t *ret);

/* Write N in decimal to TO, which has room for NUMBER_TEXT characters.  Async-signal-safe.  Returns where the NUL at its end is. */
#define NUMBER_TEXT 12
char *number_put(char *to, unsigned n);

#endif
