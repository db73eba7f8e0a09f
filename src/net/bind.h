/* Open listening sockets, for --listen. */
#ifndef USHER_BIND_H
#define USHER_BIND_H

#include <stddef.h>

#include "net/intake.h"

/* As many texts as bind_all() takes. */
#define BIND_TEXTS 32

/* Long enough for every sentence of bind_all(); what does not fit is cut. */
#define BIND_FAILURE 512

/*
 * Whether TEXT is what can be listened on: 0.0.0.0:PORT, [::]:PORT (both families), PORT (the same), NAME:PORT, unix:/PATH,
 * unix:@NAME or vsock:CID:PORT.  Names are not looked up.  Returns 0, or -EINVAL with a static sentence in *ret_reason.
 */
int bind_check(const char *text, const char **ret_reason);

/*
 * Open listening sockets at the COUNT texts, as above: look up all the names, as long as the C library takes for it, leave out what
 * comes twice, then open all that is left.  Of a name's addresses those are left out that this machine does not have, as long as
 * there is another. A Unix socket on which no process listens any more is replaced.  [::]:PORT takes IPv4 as well, unless
 * 0.0.0.0:PORT is wanted, too. Returns 0, or -errno with a sentence in ret_failure that names the text and the reason; then no
 * socket is left open.
 */
int bind_all(struct listeners *ret, const char *const texts[], size_t count, char ret_failure[BIND_FAILURE]);

#endif
