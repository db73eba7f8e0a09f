/* Names: those of /etc/hosts, and those of a name server of ours, in namespaces where nobody else can see it. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "fixture.h"
#include "net/resolve.h"
#include "tap.h"

#define LONG 20000

static void
test_hosts(void)
{
	struct address found[RESOLVE_MAX];
	const char *reason = NULL;
	int before = count_descriptors(), r = resolve("localhost", "443", RESOLVE_TO_CONNECT, clock_ms() + LONG, found, &reason);
	bool all = r > 0;

	for (int i = 0; i < r; i++)
		all = all && address_port(&found[i]) == 443 && (found[i].sa.sa_family == AF_INET
		    ? found[i].in.sin_addr.s_addr == htonl(INADDR_LOOPBACK) : IN6_IS_ADDR_LOOPBACK(&found[i].in6.sin6_addr));
	ok(all, "localhost is this machine, with the port (%d)", r);
	is_int(resolve("127.0.0.1", "22", RESOLVE_TO_CONNECT, clock_ms() + LONG, found, &reason), 1, "a number is its own address");
	/* not asked for anywhere: a name cannot be so */
	is_int(resolve("a..b", "443", RESOLVE_TO_CONNECT, clock_ms() + LONG, found, &reason), -EHOSTUNREACH,
	    "a..b cannot be resolved");
	is_int(resolve("127.0.0.1", "no such service", RESOLVE_TO_CONNECT, clock_ms() + LONG, found, &reason), -EHOSTUNREACH,
	    "a service that is not there cannot be resolved");
	is_int(count_descriptors(), before, "resolving without a name server leaves no descriptor open");
}

static void
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(77);
	close(fd);
}

/* A network with nothing but lo, and RESOLV_CONF for the machine's, for this process and its children; else exits with 77. */
static void
isolate(const char *resolv_conf)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	char map[32];
	int fd;

	snprintf(map, sizeof(map), "0 %d 1", (int)getuid());
	/* a user namespace makes sure that no mount finds its way out, whoever we are */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == -1)
		_exit(77);
	write_text("/proc/self/uid_map", map);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 || mount(resolv_conf,
	    "/etc/resolv.conf", NULL, MS_BIND, NULL) == -1)
		_exit(77);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || ioctl(fd, SIOCSIFFLAGS, &lo) == -1)
		_exit(77);
	close(fd);
}

/* Answer one query in QUERY of LENGTH bytes: two.* has two addresses, silent.* is never answered, others are not there. */
static size_t
answer(unsigned char *query, size_t length, size_t room)
{
	static const unsigned char record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 0 };
	bool two = memcmp(query + 12, "\3two", 4) == 0, is_a = query[length - 3] == 1;

	if (memcmp(query + 12, "\6silent", 7) == 0)
		return 0;
	query[2] = 0x81;
	query[3] = two ? 0x80 : 0x83;
	for (unsigned char i = 1; two && is_a && i <= 2 && length + sizeof(record) <= room; i++) {
		memcpy(query + length, record, sizeof(record));
		length += sizeof(record);
		query[length - 1] = i;
		query[7] = i;
	}
	return length;
}

/* A name server on 127.0.0.1, until it is killed. */
static pid_t
name_server(void)
{
	struct address a = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	address_from_text("127.0.0.1", "53", &a);
	if (fd == -1 || bind(fd, &a.sa, a.length) == -1)
		_exit(77);
	pid = fork_child();
	if (pid != 0) {
		close(fd);
		return pid;
	}
	for (;;) {
		unsigned char query[1024];
		struct address from = { .length = sizeof(from.in) };
		ssize_t n = recvfrom(fd, query, sizeof(query) / 2, 0, &from.sa, &from.length);
		size_t length = n >= 17 ? answer(query, (size_t)n, sizeof(query)) : 0;

		if (n < 0 || (length > 0 && sendto(fd, query, length, 0, &from.sa, from.length) < 0))
			_exit(1);
	}
}

/* What is asked there; the exit status says what was not as it should be. */
static int
ask_server(const char *resolv_conf)
{
	struct address found[RESOLVE_MAX];
	const char *reason = NULL;
	pid_t server;
	int r;

	isolate(resolv_conf);
	server = name_server();
	r = resolve("two.example.org", "443", RESOLVE_TO_CONNECT, clock_ms() + LONG, found, &reason);
	if (r != 2 || address_port(&found[0]) != 443 ||
	    ntohl(found[0].in.sin_addr.s_addr) + ntohl(found[1].in.sin_addr.s_addr) != 2 * 0xc0000200u + 3)
		return 1;
	if (resolve("other.example.org", "443", RESOLVE_TO_CONNECT, clock_ms() + LONG, found, &reason) != -EHOSTUNREACH)
		return 2;
	if (resolve("silent.example.org", "443", RESOLVE_TO_CONNECT, clock_ms() + 200, found, &reason) != -ETIMEDOUT)
		return 3;
	if (resolve("two.example.org", "443", RESOLVE_TO_CONNECT, clock_ms() - 1, found, &reason) != -ETIMEDOUT)
		return 4;
	kill(server, SIGKILL);
	wait_child(server);
	return waitpid(-1, NULL, WNOHANG) == -1 ? 0 : 5;
}

static void
test_server(void)
{
	static const char text[] = "nameserver 127.0.0.1\n";
	const char *resolv_conf = scratch_file(text, sizeof(text) - 1);
	pid_t pid = fork_child();
	int status;

	if (pid == 0)
		_exit(ask_server(resolv_conf));
	status = wait_child(pid);
	if (status == 77) {
		ok(true, "a name server # SKIP no namespaces to be had here");
		return;
	}
	ok(status != 1, "a name server has two addresses for a name: both are returned");
	ok(status != 2, "a name server denies a name: it cannot be resolved");
	ok(status != 3, "a server that never answers: the deadline holds");
	ok(status != 4, "a deadline that has passed is not waited for");
	ok(status != 5, "no process of a look-up is left");
	is_int(status, 0, "the process that asked the name server ends with 0");
}

int
main(void)
{
	test_hosts();
	test_server();
	fixture_end();
	return done_testing();
}
