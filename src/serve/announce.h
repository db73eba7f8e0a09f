/* Tell a backend who the client is. */
#ifndef USHER_ANNOUNCE_H
#define USHER_ANNOUNCE_H

#include "net/proxy_header.h"
#include "serve/session.h"

/*
 * Write to HEADER the PROXY protocol header of VERSION for S, before the room that the client's bytes are in is used for something
 * else.  Sets S->id where the header has one.  Returns its length.
 */
size_t announce(struct session *s, enum proxy_version version, uint8_t header[PROXY_HEADER_MAX]);

#endif
