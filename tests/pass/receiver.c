/*
 * A program that is passed connections by usher's `pass unix:PATH', and answers each.
 *
 *     receiver PATH
 *
 * The first message on a connection to PATH carries the client's connection as a descriptor and, as bytes, one line of key=value
 * pairs, which ends in a newline; values with spaces and the like are quoted, as in usher's log.  Nothing has been read from the
 * client: what usher has peeked at is still to be received.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE 2048

/* Receive a connection from SENDER, and in LINE what is known of it.  Returns its descriptor, or -1. */
static int
receive(int sender, char line[LINE])
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec data = { line, LINE - 1 };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t n = recvmsg(sender, &m, MSG_CMSG_CLOEXEC), length = 0;
	int fd = -1;

	header = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	/* the line may come in pieces */
	while (n > 0 && line[(length += n) - 1] != '\n')
		n = recv(sender, line + length, (size_t)(LINE - 1 - length), 0);
	line[length] = '\0';
	return fd;
}

/* The value of KEY in LINE, which is not quoted, to VALUE; "" where it is not there. */
static const char *
value_of(const char *line, const char *key, char value[128])
{
	size_t length = strlen(key);

	value[0] = '\0';
	for (const char *at = line; (at = strstr(at, key)) != NULL; at += length)
		if (at[length] == '=' && (at == line || at[-1] == ' ')) {
			sscanf(at + length + 1, "%127[^ \n]", value);
			break;
		}
	return value;
}

int
main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 2)
		errx(64, "usage: receiver PATH");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	unlink(argv[1]);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 128) < 0)
		err(71, "%s", argv[1]);
	for (;;) {
		int sender = accept4(listener, NULL, NULL, SOCK_CLOEXEC), client;
		char line[LINE], bytes[4096], peeked[128], protocol[128], from[128], host[128];
		ssize_t n = 0;

		if (sender < 0)
			err(71, "accept");
		client = receive(sender, line);
		close(sender);
		if (client < 0)
			continue;
		if (atoi(value_of(line, "peeked", peeked)) > 0)
			n = recv(client, bytes, sizeof(bytes), 0);
		value_of(line, "host", host);
		value_of(line, "protocol", protocol);
		value_of(line, "client", from);
		dprintf(client, "%s from %s: %zd bytes, %s\n", protocol, from, n, host[0] != '\0' ? host : "no host");
		close(client);
	}
}
