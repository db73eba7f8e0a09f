/* Listening sockets from text, used by a client. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "net/bind.h"
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

static char failure[BIND_FAILURE];

/* bind_all() of one text that is one socket.  Returns what it did. */
static int
bind_one(const char *text, struct listener *ret)
{
	struct listeners l = { 0 };
	int r = bind_all(&l, &text, 1, failure);

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
	struct listener l;
	char byte = 0;
	int client, server;

	if (!ok(bind_one(text, &l) == 0, "%s", text))
		return;
	is_int(l.family, family, "%s: the family of the listener is told", text);
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
	char text[ADDRESS_TEXT], port[16], wanted[BIND_FAILURE];
	struct listener l, second;
	int client, server;

	if (bind_one("127.0.0.1:0", &l) < 0)
		die("cannot bind");
	getsockname(l.fd, &a.sa, &a.length);
	address_format(&a, text);
	is_int(bind_one(text, &second), -EADDRINUSE, "a port in use cannot be bound");
	snprintf(wanted, sizeof(wanted), "\"%s\": %s", text, strerror(EADDRINUSE));
	is_str(failure, wanted, "a port in use: the sentence names the address and the reason");
	client = connect_to(&a);
	server = accept(l.fd, NULL, NULL);
	close(server);	/* first, so TIME_WAIT is ours */
	ok(poll_for(client, 1) != 0, "a client sees the end when the server closes");
	close(client);
	close(l.fd);
	is_int(bind_one(text, &l), 0, "the port of connections that have just ended can be bound");
	close(l.fd);
	snprintf(port, sizeof(port), "%lld", (long long)address_port(&a));
	is_int(bind_one(port, &l), 0, "a port without an address can be bound");
	is_int(bind_one(port, &second), -EADDRINUSE, "a port without an address that is in use cannot be bound");
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
	struct listener l, second;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s", scratch_path("socket"));
	snprintf(text, sizeof(text), "unix:%s", path);
	is_int(bind_one(text, &l), 0, "a path can be bound");
	is_int(l.family, AF_UNIX, "a path: the family is AF_UNIX");
	connects("a path", path);
	is_int(bind_one(text, &second), -EADDRINUSE, "a path where somebody listens cannot be bound");
	connects("and is theirs", path);
	close(l.fd);
	is_int(bind_one(text, &l), 0, "the socket of who does not listen any more is replaced");
	connects("replaced", path);
	close(l.fd);

	/* what is no socket is not ours to remove */
	snprintf(path, sizeof(path), "%s", scratch_file("precious", 8));
	snprintf(text, sizeof(text), "unix:%s", path);
	is_int(bind_one(text, &l), -EADDRINUSE, "a file is not taken for a socket that was left behind");
	ok(stat(path, &st) == 0 && st.st_size == 8, "a file at the path is still there, unchanged");
	snprintf(path, sizeof(path), "%s", scratch_path("link"));
	snprintf(text, sizeof(text), "unix:%s", path);
	if (symlink("socket", path) == -1)
		die("symlink: %s", strerror(errno));
	is_int(bind_one(text, &l), -EADDRINUSE, "a symbolic link is not taken for a socket that was left behind");
	ok(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "a symbolic link at the path is still there");

	/* a backlog that is full is no sign of death */
	snprintf(path, sizeof(path), "%s", scratch_path("full"));
	snprintf(text, sizeof(text), "unix:%s", path);
	if (bind_one(text, &l) < 0 || listen(l.fd, 0) == -1)
		die("cannot listen");
	connects("a backlog of one", path);
	is_int(bind_one(text, &second), -EADDRINUSE, "a socket with a full backlog is in use");
	close(l.fd);

	snprintf(path, sizeof(path), "%s", scratch_path("ends:0"));
	snprintf(text, sizeof(text), "unix:%s", path);
	is_int(bind_one(text, &l), 0, "a path that ends like a port can be bound");
	ok(stat(path, &st) == 0, "a path that ends like a port is a path all the same");
	close(l.fd);

	snprintf(name, sizeof(name), "@usher-test-%d", (int)getpid());
	snprintf(text, sizeof(text), "unix:%s", name);
	is_int(bind_one(text, &l), 0, "an abstract name can be bound");
	connects("an abstract name", name);
	is_int(bind_one(text, &second), -EADDRINUSE, "an abstract name in use cannot be bound");
	close(l.fd);
	snprintf(text, sizeof(text), "unix:%s/x", scratch_path("nothing"));
	fd = bind_one(text, &l);
	is_int(fd, -ENOENT, "a path in a folder that is not there cannot be bound");
}

/* The sockets of COUNT texts at a port that is free, behind each of them.  Returns as bind_all(). */
static int
bind_texts(const char *const texts[], size_t count, struct listeners *ret)
{
	static char written[BIND_TEXTS][64];
	const char *with_port[BIND_TEXTS];
	struct address a = { .length = sizeof(a.in) };
	struct listener free_one;

	if (bind_one("127.0.0.1:0", &free_one) < 0 || getsockname(free_one.fd, &a.sa, &a.length) == -1)
		die("no port");
	close(free_one.fd);
	for (size_t i = 0; i < count; i++) {
		snprintf(written[i], sizeof(written[i]), "%s:%d", texts[i], (int)address_port(&a));
		with_port[i] = written[i];
	}
	ret->count = 0;
	return bind_all(ret, with_port, count, failure);
}

static void
close_all(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		close(l->each[i].fd);
}

/* localhost is 127.0.0.1, and on most machines ::1; what else names are is seen by run-resolve.sh. */
static void
test_names(void)
{
	static const char *const name[] = { "localhost" }, *const again[] = { "localhost", "[::1]", "127.0.0.1", "localhost" },
	    *const v4[] = { "127.0.0.1", "localhost", "127.0.0.1" };
	const char *zero = "localhost:0", *zeros[] = { "127.0.0.1:0", "127.0.0.1:0" }, *lost[] = { "127.0.0.1:0",
	    "localhost:no-such-service" },
	    *service = "127.0.0.1:no-such-service";
	int before = count_descriptors();
	struct listeners l;
	size_t all;

	is_int(bind_texts(name, 1, &l), 0, "localhost can be bound");
	all = l.count;
	ok(all == 1 || all == 2, "localhost is an address or two (%zu)", all);
	close_all(&l);
	is_int(bind_texts(v4, 3, &l), 0, "localhost between 127.0.0.1 and 127.0.0.1 can be bound");
	is_int((long long)l.count, (long long)all, "localhost between 127.0.0.1 and 127.0.0.1: no address comes twice");
	close_all(&l);
	if (wire_works(WIRE_TCP6)) {
		is_int(bind_texts(again, 4, &l), 0, "localhost twice, 127.0.0.1 and [::1] can be bound");
		is_int((long long)l.count, 2, "localhost twice, 127.0.0.1 and [::1]: no address comes twice");
		close_all(&l);
	}
	is_int(bind_all(&l, &zero, 1, failure), 0, "localhost on a port of the system's choice can be bound");
	ok(l.count == 1 || l.count == 2, "localhost on a port of the system's choice is an address or two (%zu)", l.count);
	close_all(&l);
	is_int(bind_all(&l, zeros, 2, failure), 0, "a port of the system's choice can be bound twice");
	is_int((long long)l.count, 2, "a port of the system's choice, twice, is two ports");
	close_all(&l);
	ok(bind_all(&l, lost, 2, failure) < 0, "a name, and a service that is not there");
	ok(strstr(failure, "\"localhost:no-such-service\": cannot resolve localhost: ") == failure, "%s", failure);
	ok(bind_all(&l, &service, 1, failure) < 0, "a service that is not there cannot be bound");
	ok(strstr(failure, "\"127.0.0.1:no-such-service\": cannot resolve 127.0.0.1: ") == failure, "%s", failure);
	is_int(count_descriptors(), before, "names: no descriptor is left open");
}

/* An address that this machine does not have, by itself, and next to one that it has. */
static void
test_elsewhere(void)
{
	const char *texts[] = { "127.0.0.1:0", "192.0.2.77:443" };
	int before = count_descriptors();
	struct listeners l;

	is_int(bind_all(&l, texts, 2, failure), -EADDRNOTAVAIL, "an address that is not on this machine cannot be bound");
	ok(strncmp(failure, "\"192.0.2.77:443\": ", 18) == 0, "%s", failure);
	is_int(count_descriptors(), before, "an address that is not on this machine: no descriptor is left open");
}

static void
test_bad(void)
{
	static const char *const cases[] = {
		"", ":", "x", "443x", "65536", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1", "[::1]",
		    "[::1]:", "[::1:443",
		"localhost", "localhost:", "localhost:65536", "localhost:4294967297", "unix:", "unix:relative", "unix:@", "vsock:1",
		    "vsock:1:0",
		"*:443", ":443", "256.1.1.1:443", "10.0.0:443", "10.0.0:0", "a b:443", "-x:443", "a..b:443", "vsock:x:1", " 443",
		    "443 ", "4294967739", "18446744073709552059", "+443", "-1",
	};
	static const char *const good[] = {
		"443", "0", "00443", "127.0.0.1:443", "[::1]:443", "localhost:443", "localhost:0", "localhost:https",
		    "no.such.name:443", "no.such.name.:443", "unix:/x",
	};
	/* as other programs write all addresses; what has none of the forms */
	static const char *const all[] = { "*:443", "*:0", "*:https", ":443" }, *const forms[] = { "", "x", "localhost",
	    "127.0.0.1", "::1", "::1:443" };
	const char *reason, *many[BIND_TEXTS + 1];
	struct listeners l;
	char longer[300];
	int before = count_descriptors();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct listener one;

		reason = NULL;
		is_int(bind_check(cases[i], &reason), -EINVAL, "\"%s\" is refused by the check", cases[i]);
		ok(reason != NULL, "%s", reason != NULL ? reason : "(no reason)");
		is_int(bind_one(cases[i], &one), -EINVAL, "what the check refuses is not bound");
		ok(strstr(failure, reason) != NULL, "binding tells the same reason as the check");
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		is_int(bind_check(good[i], &reason), 0, "\"%s\" can be listened on, for all that is known", good[i]);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		ok(bind_check(all[i], &reason) < 0 && strstr(reason, "PORT alone, or [::]:PORT, ") == reason,
		    "\"%s\": %s", all[i], reason);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		ok(bind_check(forms[i], &reason) < 0 && strstr(reason, "expected PORT alone, ") == reason,
		    "\"%s\": %s", forms[i], reason);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memcpy(longer, "unix:/", 6);
	is_int(bind_check(longer, &reason), -EINVAL, "a path that is too long is refused by the check");
	for (size_t i = 0; i < BIND_TEXTS; i++)
		many[i] = "127.0.0.1:0";
	is_int(bind_all(&l, many, BIND_TEXTS, failure), 0, "32 sockets can be bound");
	close_all(&l);
	many[0] = "localhost:0";
	many[1] = "127.0.0.1:0";
	if (bind_all(&l, many, BIND_TEXTS, failure) < 0)
		ok(strstr(failure, "no more than 32 sockets") != NULL, "%s", failure);
	else
		close_all(&l);
	is_int(count_descriptors(), before, "32 sockets and more: no descriptor is left open");
}

int
main(void)
{
	test_inet();
	test_in_use();
	test_unix();
	test_names();
	test_elsewhere();
	test_bad();
	fixture_end();
	return done_testing();
}
