#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "fixture.h"
#include "tap.h"

const char *
wire_name(enum wire wire)
{
	return wire == WIRE_TCP4 ? "tcp4" : wire == WIRE_TCP6 ? "tcp6" : "unix";
}

sa_family_t
wire_family(enum wire wire)
{
	return wire == WIRE_TCP4 ? AF_INET : wire == WIRE_TCP6 ? AF_INET6 : AF_UNIX;
}

static struct address
wildcard(enum wire wire)
{
	struct address a = { 0 };

	a.sa.sa_family = wire_family(wire);
	if (wire == WIRE_TCP4) {
		a.length = sizeof(a.in);
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else if (wire == WIRE_TCP6) {
		a.length = sizeof(a.in6);
		a.in6.sin6_addr = in6addr_loopback;
	} else {
		a.length = sizeof(sa_family_t);	/* the kernel picks an abstract name */
	}
	return a;
}

bool
wire_works(enum wire wire)
{
	struct address a = wildcard(wire);
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool works = fd != -1 && bind(fd, &a.sa, a.length) == 0;

	if (fd != -1)
		close(fd);
	return works;
}

bool
wire_peeks(enum wire wire)
{
	int fd, offset = 0;
	bool peeks;

	if (wire != WIRE_UNIX)
		return true;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	peeks = fd != -1 && setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset)) == 0;
	if (fd != -1)
		close(fd);
	return peeks;
}

int
listener(enum wire wire, int backlog, struct address *ret)
{
	struct address a = wildcard(wire);
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, &a.sa, a.length) == -1 || listen(fd, backlog) == -1)
		die("listen on %s: %s", wire_name(wire), strerror(errno));
	*ret = (struct address){ .length = sizeof(*ret) - offsetof(struct address, sa) };
	if (getsockname(fd, &ret->sa, &ret->length) == -1)
		die("getsockname: %s", strerror(errno));
	return fd;
}

int
connect_to(const struct address *address)
{
	int fd = socket(address->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || connect(fd, &address->sa, address->length) == -1)
		die("connect: %s", strerror(errno));
	return fd;
}

struct pair
pair_open(enum wire wire)
{
	static const int on = 1;
	struct address a;
	struct pair p;
	int fd[2], l;

	if (wire == WIRE_UNIX) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
			die("socketpair: %s", strerror(errno));
		return (struct pair){ .near = fd[0], .far = fd[1] };
	}
	l = listener(wire, 1, &a);
	p.far = connect_to(&a);
	/* a peer that dribbles should not wait for acknowledgements that come late because nobody reads */
	setsockopt(p.far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	p.near = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	if (p.near == -1)
		die("accept: %s", strerror(errno));
	close(l);
	return p;
}

void
pair_close(struct pair *p)
{
	if (p->near != -1)
		close(p->near);
	if (p->far != -1)
		close(p->far);
	p->near = p->far = -1;
}

void
send_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;
	ssize_t n;

	for (; length > 0; at += n, length -= (size_t)n)
		if ((n = send(fd, at, length, MSG_NOSIGNAL)) == -1)
			die("send: %s", strerror(errno));
}

void
send_text(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

size_t
receive(int fd, void *bytes, size_t length)
{
	size_t have = 0;
	ssize_t n;

	while (have < length && (n = read(fd, (char *)bytes + have, length - have)) > 0)
		have += (size_t)n;
	return have;
}

void
reset(int fd)
{
	struct linger hard = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

int
poll_for(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = (short)events };

	if (poll(&p, 1, 60000) == -1)
		die("poll: %s", strerror(errno));
	return p.revents;
}

pid_t
fork_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == -1)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		alarm(300);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
			_exit(99);
	}
	return pid;
}

int
wait_child(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct effort
effort_now(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) == -1)
		die("getrusage: %s", strerror(errno));
	return (struct effort){
		.cpu_us = ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec,
		.switches = u.ru_nvcsw,
	};
}

static const char *
scratch_folder(void)
{
	static char folder[] = "/tmp/usher-test-XXXXXX";
	static bool made;

	if (!made && mkdtemp(folder) == NULL)
		die("mkdtemp: %s", strerror(errno));
	made = true;
	return folder;
}

const char *
scratch_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", scratch_folder(), name);
	return path;
}

const char *
scratch_file(const char *text, size_t length)
{
	const char *path = scratch_path("file");
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(text, 1, length, f) != length || fclose(f) != 0)
		die("%s: %s", path, strerror(errno));
	return path;
}

void
fixture_end(void)
{
	DIR *d = opendir(scratch_folder());
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	if (rmdir(scratch_folder()) == -1)
		die("rmdir %s: %s", scratch_folder(), strerror(errno));
}

int
count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = -3;	/* ".", ".." and the folder itself */

	if (d == NULL)
		die("/proc/self/fd: %s", strerror(errno));
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}
