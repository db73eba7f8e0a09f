/* Give a connection to a program that runs already. */
#ifndef USHER_PASS_H
#define USHER_PASS_H

#include <stddef.h>

/*
 * Send LENGTH bytes of HEADER to TO, a connected Unix stream socket, and with the first of them the descriptor FD (SCM_RIGHTS,
 * unix(7)).  Waits while the receiver's buffer is full, for SO_SNDTIMEO of TO at the most.  FD stays open here.  Returns 0 or
 * -errno.
 */
int pass_descriptor(int to, int fd, const char *header, size_t length);

#endif
