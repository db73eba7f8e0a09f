/* In which order the backends of a rule are tried. */
#ifndef USHER_BALANCE_H
#define USHER_BALANCE_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

/* The most backends that a rule can have. */
#define BALANCE_MAX 64

/*
 * BALANCE_FIRST: as written.  BALANCE_RANDOM: any order, each as likely.  BALANCE_SOURCE: by the client's address, the same order
 * for the same client in every process and on every machine; where a backend is taken out, or added, only the clients that have it
 * first move (rendezvous hashing, Thaler and Ravishankar 1996).
 */
enum balance { BALANCE_FIRST, BALANCE_RANDOM, BALANCE_SOURCE };

/*
 * Fill RET with the numbers 0 to COUNT - 1 of the ENDPOINTS in the order in which to try them; COUNT is BALANCE_MAX at the most.  A
 * client without an IP address has one of its own for BALANCE_SOURCE, the same for all of them.
 */
void balance_order(
    enum balance how, const struct endpoint *endpoints, size_t count, const struct address *client, uint8_t ret[BALANCE_MAX]);

#endif
