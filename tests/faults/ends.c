/* The sockets of the two ends that we play. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "run.h"

int
open_listener(const char *path, int *ret_port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t size = sizeof in;
	int fd = socket(path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (path != NULL) {
		unlink(path);
		snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	}
	if (fd < 0 || bind(fd, path != NULL ? (void *)&un : (void *)&in, path != NULL ? sizeof un : sizeof in) < 0 ||
	    listen(fd, 16) < 0)
		fail("listen");
	if (path == NULL) {
		getsockname(fd, (struct sockaddr *)&in, &size);
		*ret_port = ntohs(in.sin_port);
	}
	return fd;
}

/* Returns the descriptor, or -1. */
int
open_connection(const char *path, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)port) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (path != NULL)
		snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	if (fd < 0 || connect(fd, path != NULL ? (void *)&un : (void *)&in, path != NULL ? sizeof un : sizeof in) < 0) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

void
end_close(struct end *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
	if (e->end == OPEN)
		e->end = ENDED;
}

/* Read what there is.  ROOM is larger than what may come. */
void
end_read(struct end *e, size_t room)
{
	while (e->fd >= 0 && e->end == OPEN) {
		ssize_t n = recv(e->fd, e->got + e->have, room - e->have, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			e->end = RESET;
		else if (n == 0)
			e->end = ENDED;
		else
			e->have += (size_t)n;
		if (e->have == room)
			return;
	}
}

/* Send from TEXT up to byte TO. */
void
end_send(struct end *e, const char *text, size_t to)
{
	while (e->fd >= 0 && e->sent < to) {
		ssize_t n = send(e->fd, text + e->sent, to - e->sent, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		e->sent += (size_t)n;
	}
}

void
end_finish(struct end *e)
{
	if (e->fd >= 0 && !e->finished)
		shutdown(e->fd, SHUT_WR);
	e->finished = true;
}
