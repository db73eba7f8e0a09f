/* What an extended regular expression says about the first bytes. */
#ifndef USHER_PREFIX_H
#define USHER_PREFIX_H

#include <stddef.h>
#include <stdint.h>

/*
 * The literal bytes that every text begins with that EXPRESSION, compiled with REG_EXTENDED alone, matches: "GET /" of "^GET
 * /(a|b)". Writes them to BYTES, which has room for as many as EXPRESSION has, and returns their number.  0: it is not anchored, or
 * does not begin with a literal, or it is not certain what the C library makes of it.
 */
size_t prefix_of(const char *expression, uint8_t *bytes);

#endif
