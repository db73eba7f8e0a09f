/*
 * report FILE: write to FILE what this process was given by whoever ran it.  Run as an exec rule's program, or by an inetd, to
 * compare what they hand over.  Descriptor 0 is taken for the connection; nothing is read from it.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

/* Which of the first 1024 descriptors are open, before any is ours. */
static void
find_descriptors(int open_ones[1024])
{
	for (int fd = 0; fd < 1024; fd++)
		open_ones[fd] = fcntl(fd, F_GETFD);
}

/* fd 0 socket O_RDWR blocking keep */
static void
write_descriptor(FILE *out, int fd, int fd_flags)
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_PATH" };
	char path[64], target[4096];
	int flags = fcntl(fd, F_GETFL);
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	/* socket:[123] is another socket every time */
	if (target[0] != '/')
		target[strcspn(target, ":")] = '\0';
	fprintf(out, "fd %d %s %s %s %s\n", fd, target, modes[flags & O_ACCMODE], flags & O_NONBLOCK ? "O_NONBLOCK" : "blocking",
	    fd_flags & FD_CLOEXEC ? "FD_CLOEXEC" : "kept");
}

static void
write_option(FILE *out, const char *name, int level, int option)
{
	unsigned char value[64];
	socklen_t size = sizeof(value);

	fprintf(out, "option %s", name);
	if (getsockopt(0, level, option, value, &size) == -1) {
		fprintf(out, " %s\n", strerror(errno));
		return;
	}
	for (size_t i = 0; i < size; i++)
		fprintf(out, "%s%02x", i == 0 ? " " : "", value[i]);
	fputc('\n', out);
}

static void
write_options(FILE *out)
{
	write_option(out, "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT);
	write_option(out, "SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO);
	write_option(out, "SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO);
	write_option(out, "SO_PEEK_OFF", SOL_SOCKET, SO_PEEK_OFF);
	write_option(out, "SO_LINGER", SOL_SOCKET, SO_LINGER);
	write_option(out, "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE);
	write_option(out, "SO_ERROR", SOL_SOCKET, SO_ERROR);
	write_option(out, "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY);
	write_option(out, "TCP_CORK", IPPROTO_TCP, TCP_CORK);
}

static void
write_signals(FILE *out)
{
	static const char *const wanted[] = { "SigBlk:", "SigIgn:", "SigCgt:", "NoNewPrivs:", "Seccomp:" };
	FILE *f = fopen("/proc/self/status", "r");
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				fprintf(out, "status %s", line);
	if (f != NULL)
		fclose(f);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
write_environment(FILE *out)
{
	size_t count = 0;

	while (environ[count] != NULL)
		count++;
	qsort(environ, count, sizeof(*environ), compare);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "env %s\n", environ[i]);
}

static void
write_process(FILE *out, int argc, char **argv)
{
	char cwd[4096];
	mode_t mask = umask(0);

	umask(mask);
	fprintf(out, "umask %03o\ncwd %s\n", (unsigned)mask, getcwd(cwd, sizeof(cwd)) != NULL ? cwd : strerror(errno));
	for (int i = 0; i < argc; i++)
		if (i != 1)
			fprintf(out, "argument %d %s\n", i, argv[i]);
}

static void
write_unread(FILE *out)
{
	static unsigned char bytes[65536];
	ssize_t n = recv(0, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

	if (n == -1) {
		fprintf(out, "unread %s\n", strerror(errno));
		return;
	}
	fprintf(out, "unread %zd ", n);
	for (ssize_t i = 0; i < n; i++)
		fprintf(out, "%02x", bytes[i]);
	fputc('\n', out);
}

int
main(int argc, char **argv)
{
	int open_ones[1024];
	FILE *out;

	find_descriptors(open_ones);
	if (argc < 2 || (out = fopen(argv[1], "we")) == NULL)
		return 64;
	for (int fd = 0; fd < 1024; fd++)
		if (open_ones[fd] != -1)
			write_descriptor(out, fd, open_ones[fd]);
	write_options(out);
	write_signals(out);
	write_process(out, argc, argv);
	write_environment(out);
	write_unread(out);
	return fclose(out) == 0 ? 0 : 74;
}
