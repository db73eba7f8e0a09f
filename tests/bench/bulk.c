/*
 * A server of as much as anybody takes or gives, and of next to nothing: the far end of the benchmark's bulk streams.
 *
 *     bulk serve PORT      on 127.0.0.1, a process a connection
 *     bulk inetd           the connection on standard input
 *
 * GET /bulk: bytes without end.  POST: takes bytes and tells how many, see bulk.h.  Other GETs: three bytes.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bulk.h"

#define CHUNK (256 * 1024)

/* Read a request's head; what comes behind it stays unread.  Returns its length, 0 where there is none. */
static size_t
read_head(int fd, char *head, size_t size)
{
	size_t have = 0;

	while (have < size - 1) {
		char *end;
		ssize_t n = recv(fd, head, size - 1, MSG_PEEK);

		if (n <= 0)
			return 0;
		head[n] = '\0';
		end = strstr(head, "\r\n\r\n");
		if (end != NULL) {
			n = end + 4 - head;
			return recv(fd, head, (size_t)n, 0) == n ? (size_t)n : 0;
		}
		if ((size_t)n == have)
			usleep(1000);
		have = (size_t)n;
	}
	return 0;
}

static void
serve(int fd)
{
	static char chunk[CHUNK];
	static const char answer[] = "HTTP/1.0 200 OK\r\n\r\nok\n";
	char head[2048];
	ssize_t n;

	if (read_head(fd, head, sizeof head) == 0)
		return;
	if (strncmp(head, "GET /bulk", 9) == 0) {
		static const char ok[] = "HTTP/1.0 200 OK\r\n\r\n";

		if (send(fd, ok, sizeof ok - 1, MSG_NOSIGNAL) > 0)
			while (send(fd, chunk, CHUNK, MSG_NOSIGNAL) > 0)
				;
		return;
	}
	if (strncmp(head, "POST", 4) == 0) {
		uint64_t bytes = 0, units = 0;

		/* MSG_TRUNC: TCP throws the bytes away without copying them */
		while ((n = recv(fd, NULL, BULK_UNIT / 4, MSG_TRUNC)) > 0)
			for (bytes += (uint64_t)n; units < bytes / BULK_UNIT; units++)
				if (send(fd, ".", 1, MSG_NOSIGNAL) != 1)
					return;
		return;
	}
	if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0)
		return;
	/* HTTP/1.1 stays, as a connection that is held for a while */
	if (strstr(head, "HTTP/1.1") != NULL)
		while (recv(fd, head, sizeof head, 0) > 0)
			;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const int on = 1;
	int fd;

	if (argc == 2 && strcmp(argv[1], "inetd") == 0) {
		serve(STDIN_FILENO);
		return 0;
	}
	if (argc != 3 || strcmp(argv[1], "serve") != 0) {
		fprintf(stderr, "usage: bulk serve PORT | bulk inetd\n");
		return 64;
	}
	signal(SIGCHLD, SIG_IGN);
	a.sin_port = htons((uint16_t)atoi(argv[2]));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 1024) < 0) {
		perror("bulk");
		return 71;
	}
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			continue;
		if (fork() == 0) {
			close(fd);
			serve(c);
			return 0;
		}
		close(c);
	}
}
