/*
 * The least that a process a connection can cost: accept, fork, read the question, give a fixed answer.  Then the child ends, or,
 * when asked in HTTP/1.1, pauses until the client has gone.
 *
 *     forkpause PORT      on 127.0.0.1
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

static _Noreturn void
serve(int fd)
{
	static const char answer[] = "HTTP/1.0 200 OK\r\n\r\nok\n";
	char question[512];
	ssize_t n = read(fd, question, sizeof question - 1);

	if (n <= 0 || write(fd, answer, sizeof answer - 1) < 0)
		_exit(0);
	question[n] = '\0';
	if (strstr(question, "HTTP/1.1") != NULL)
		while (read(fd, question, sizeof question) > 0)
			;
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const int on = 1;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: forkpause PORT\n");
		return 64;
	}
	/* the kernel reaps */
	signal(SIGCHLD, SIG_IGN);
	a.sin_port = htons((uint16_t)atoi(argv[1]));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 4096) < 0) {
		perror("forkpause");
		return 71;
	}
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			continue;
		if (fork() == 0) {
			close(fd);
			serve(c);
		}
		close(c);
	}
}
