/* Open listening sockets, for --listen. */
#ifndef USHER_BIND_H
#define USHER_BIND_H

#include "intake.h"

/*
 * Parse an address to listen on: 0.0.0.0:PORT, [::]:PORT (both families), PORT (the same), unix:/PATH, unix:@NAME or vsock:CID:PORT.
 * Returns 0, or -EINVAL with a static sentence in *ret_reason.
 */
int bind_parse(const char *text, struct address *ret, const char **ret_reason);

/*
 * Open a listening socket at TEXT, as above, and add it to *listeners.  A Unix socket at which nobody listens any more is replaced.
 * TEXT is copied.  Returns 0, -EINVAL with a static sentence in *ret_reason, or -errno with *ret_reason NULL.
 */
int bind_add(struct listeners *listeners, const char *text, const char **ret_reason);

#endif
