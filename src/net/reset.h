/* End a connection so that its peer sees a reset, not an end of file. */
#ifndef USHER_RESET_H
#define USHER_RESET_H

#include <sys/socket.h>
#include <unistd.h>

/*
 * Close FD; TCP sends RST, and what the peer has not acknowledged is thrown away.  A Unix socket knows no reset: its peer sees
 * ECONNRESET if something that it sent was not read, else an end of file.
 */
static inline void
reset_close(int fd)
{
	static const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

#endif
