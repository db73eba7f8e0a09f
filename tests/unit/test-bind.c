/* Listening sockets from text, used by a client. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "bind.h"
#include "fixture.h"
#include "tap.h"

static bool no_ipv6;

/* The library's, but for a kernel without IPv6. */
int
socket(int family, int type, int protocol)
{
	if (no_ipv6 && family == AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, family, type, protocol);
}

/* bind_add() to an empty list.  Returns the socket, or what bind_add() did. */
static int
bind_one(const char *text, struct listener *ret, const char **ret_reason)
{
	struct listeners l = { 0 };
	int r = bind_add(&l, text, ret_reason);

	if (r == 0 && l.count != 1)
		die("%zu sockets", l.count);
	*ret = l.each[0];
	return r;
}

/* Bind TEXT, connect to HOST at its port and read a byte. */
static void
works(const char *text, const char *host, sa_family_t family)
{
	struct address a = { .length = sizeof(a.in6) }, to;
	const char *reason;
	struct listener l;
	char byte = 0;
	int client, server;

	if (!ok(bind_one(text, &l, &reason) == 0, "%s", text))
		return;
	is_int(l.family, family, "%s: the family", text);
	ok(fcntl(l.fd, F_GETFD) & FD_CLOEXEC, "%s: closed on exec", text);
	getsockname(l.fd, &a.sa, &a.length);
	if (address_port(&a) == 0 || address_from_text(host, NULL, &to) < 0)
		die("no port");
	*(to.sa.sa_family == AF_INET ? &to.in.sin_port : &to.in6.sin6_port) = htons((uint16_t)address_port(&a));
	client = connect_to(&to);
	server = accept(l.fd, NULL, NULL);
	send_text(client, "x");
	ok(receive(server, &byte, 1) == 1 && byte == 'x', "%s: reached at %s", text, host);
	close(client);
	close(server);
	close(l.fd);
}

static void
test_inet(void)
{
	works("127.0.0.1:0", "127.0.0.1", AF_INET);
	works("0.0.0.0:0", "127.0.0.1", AF_INET);
	if (wire_works(WIRE_TCP6)) {
		works("[::1]:0", "::1", AF_INET6);
		works("[::]:0", "::1", AF_INET6);
		works("[::]:0", "127.0.0.1", AF_INET6);
		works("0", "::1", AF_INET6);
		works("0", "127.0.0.1", AF_INET6);
	} else {
		ok(true, "IPv6 # SKIP not on this machine");
	}
	no_ipv6 = true;
	works("0", "127.0.0.1", AF_INET);
	no_ipv6 = false;
}

/* A port that a connection has just used, and one that is in use. */
static void
test_in_use(void)
{
	struct address a = { .length = sizeof(a.in) };
	char text[ADDRESS_TEXT], port[16];
	const char *reason;
	struct listener l, second;
	int client, server;

	if (bind_one("127.0.0.1:0", &l, &reason) < 0)
		die("cannot bind");
	getsockname(l.fd, &a.sa, &a.length);
	address_format(&a, text);
	reason = "";
	is_int(bind_one(text, &second, &reason), -EADDRINUSE, "a port in use");
	ok(reason == NULL, "is the system's word");
	client = connect_to(&a);
	server = accept(l.fd, NULL, NULL);
	close(server);	/* first, so TIME_WAIT is ours */
	ok(poll_for(client, 1) != 0, "the client sees the end");
	close(client);
	close(l.fd);
	is_int(bind_one(text, &l, &reason), 0, "the port of connections that have just ended");
	close(l.fd);
	snprintf(port, sizeof(port), "%lld", (long long)address_port(&a));
	is_int(bind_one(port, &l, &reason), 0, "a port alone");
	is_int(bind_one(port, &second, &reason), -EADDRINUSE, "and again");
	close(l.fd);
}

static void
connects(const char *what, const char *path)
{
	struct endpoint e;
	char text[ADDRESS_TEXT];
	const char *reason;

	snprintf(text, sizeof(text), "unix:%s", path);
	if (endpoint_parse(text, &e, &reason) < 0)
		die("%s", reason);
	close(connect_to(&e.address));
	ok(true, "%s: a client connects", what);
}

static void
test_unix(void)
{
	char text[160], path[128], name[64];
	const char *reason;
	struct listener l, second;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s", scratch_path("socket"));
	snprintf(text, sizeof(text), "unix:%s", path);
	is_int(bind_one(text, &l, &reason), 0, "a path");
	is_int(l.family, AF_UNIX, "and its family");
	connects("a path", path);
	is_int(bind_one(text, &second, &reason), -EADDRINUSE, "where somebody listens, the socket stays");
	connects("and is theirs", path);
	close(l.fd);
	is_int(bind_one(text, &l, &reason), 0, "where nobody listens any more it is replaced");
	connects("replaced", path);
	close(l.fd);

	/* what is no socket is not ours to remove */
	snprintf(path, sizeof(path), "%s", scratch_file("precious", 8));
	snprintf(text, sizeof(text), "unix:%s", path);
	is_int(bind_one(text, &l, &reason), -EADDRINUSE, "a file is no left-over socket");
	ok(stat(path, &st) == 0 && st.st_size == 8, "and is still there");
	snprintf(path, sizeof(path), "%s", scratch_path("link"));
	snprintf(text, sizeof(text), "unix:%s", path);
	if (symlink("socket", path) == -1)
		die("symlink: %s", strerror(errno));
	is_int(bind_one(text, &l, &reason), -EADDRINUSE, "nor is a symbolic link to one");
	ok(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "which is still there");

	/* a backlog that is full is no sign of death */
	snprintf(path, sizeof(path), "%s", scratch_path("full"));
	snprintf(text, sizeof(text), "unix:%s", path);
	if (bind_one(text, &l, &reason) < 0 || listen(l.fd, 0) == -1)
		die("cannot listen");
	connects("a backlog of one", path);
	is_int(bind_one(text, &second, &reason), -EADDRINUSE, "a socket with a full backlog is in use");
	close(l.fd);

	snprintf(path, sizeof(path), "%s", scratch_path("ends:0"));
	snprintf(text, sizeof(text), "unix:%s", path);
	is_int(bind_one(text, &l, &reason), 0, "a path that ends like a port");
	ok(stat(path, &st) == 0, "is that path");
	close(l.fd);

	snprintf(name, sizeof(name), "@usher-test-%d", (int)getpid());
	snprintf(text, sizeof(text), "unix:%s", name);
	is_int(bind_one(text, &l, &reason), 0, "an abstract name");
	connects("an abstract name", name);
	is_int(bind_one(text, &second, &reason), -EADDRINUSE, "in use");
	close(l.fd);
	snprintf(text, sizeof(text), "unix:%s/x", scratch_path("nothing"));
	fd = bind_one(text, &l, &reason);
	is_int(fd, -ENOENT, "a folder that is not there");
}

static void
test_bad(void)
{
	static const char *const cases[] = {
		"", ":", "x", "443x", "65536", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1", "[::1]", "[::1]:", "[::1:443",
		"localhost:443", "localhost:0", "*:443", "unix:", "unix:relative", "unix:@", "vsock:1", "vsock:1:0", "vsock:x:1", " 443", "443 ",
	};
	struct listeners l = { .count = INTAKE_LISTENERS };
	const char *reason;
	char longer[300];
	int before = count_descriptors();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct listener one;

		reason = NULL;
		is_int(bind_one(cases[i], &one, &reason), -EINVAL, "\"%s\"", cases[i]);
		ok(reason != NULL, "%s", reason != NULL ? reason : "(no reason)");
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memcpy(longer, "unix:/", 6);
	is_int(bind_add(&(struct listeners){ 0 }, longer, &reason), -EINVAL, "a path that is too long");
	is_int(bind_add(&l, "127.0.0.1:0", &reason), -EINVAL, "more than 32 sockets");
	is_int(count_descriptors(), before, "no descriptor is left");
}

int
main(void)
{
	test_inet();
	test_in_use();
	test_unix();
	test_bad();
	fixture_end();
	return done_testing();
}
