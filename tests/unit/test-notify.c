/* A real datagram socket takes the place of the service manager's. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

#include "fixture.h"
#include "listen/notify.h"
#include "tap.h"

/* A datagram socket at ADDRESS; *ret_name is what NOTIFY_SOCKET says of it. */
static int
manager(const char *path, char ret_name[128])
{
	struct address a = { .length = sizeof(sa_family_t) };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	a.sa.sa_family = AF_UNIX;
	if (path != NULL) {
		snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", path);
		a.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	}
	if (fd == -1 || bind(fd, &a.sa, a.length) == -1)
		die("bind: %s", strerror(errno));
	a.length = sizeof(a.un);
	if (getsockname(fd, &a.sa, &a.length) == -1)
		die("getsockname: %s", strerror(errno));
	if (path != NULL)
		snprintf(ret_name, 128, "%s", path);
	else
		snprintf(ret_name, 128, "@%.*s", (int)(a.length - offsetof(struct sockaddr_un, sun_path) - 1), a.un.sun_path + 1);
	return fd;
}

static const char *
received(int fd)
{
	static char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_socket(const char *path)
{
	const char *what = path != NULL ? "a path" : "an abstract name";
	struct notify n;
	char name[128];
	int fd = manager(path, name);

	setenv("NOTIFY_SOCKET", name, 1);
	notify_open(&n);
	ok(n.fd >= 0, "%s: there is somebody to tell", what);
	notify_send(&n, "READY=1\nSTATUS=3 connections");
	is_str(received(fd), "READY=1\nSTATUS=3 connections", "%s: what was sent has come", what);
	notify_send(&n, "STOPPING=1");
	is_str(received(fd), "STOPPING=1", "%s: what was sent next has come", what);
	is_str(received(fd), "", "%s: no more than what was sent has come", what);
	/* a manager that does not read must not hold up the service */
	for (int i = 0; i < 10000; i++)
		notify_send(&n, "WATCHDOG=1");
	is_str(received(fd), "WATCHDOG=1", "%s: nobody reads, and we go on", what);
	close(fd);
	notify_send(&n, "WATCHDOG=1");
	ok(true, "%s: nobody listens, and we go on", what);
	close(n.fd);
}

static void
test_nobody(void)
{
	static const char *const names[] = { "", "/", "@", "relative", "vsock:2:1234" };
	char longer[200];
	struct notify n;
	int before = count_descriptors();

	unsetenv("NOTIFY_SOCKET");
	notify_open(&n);
	is_int(n.fd, -1, "without NOTIFY_SOCKET there is nobody to tell");
	notify_send(&n, "READY=1");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_open(&n);
		is_int(n.fd, -1, "NOTIFY_SOCKET=\"%s\": there is nobody to tell", names[i]);
	}
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[108] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	notify_open(&n);
	is_int(n.fd, -1, "NOTIFY_SOCKET is too long a path: there is nobody to tell");
	is_int(count_descriptors(), before, "NOTIFY_SOCKET that cannot be used: no descriptor is left open");
	longer[107] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	notify_open(&n);
	ok(n.fd >= 0, "NOTIFY_SOCKET is the longest path: there is somebody to tell");
	notify_send(&n, "READY=1");
	close(n.fd);
}

static void
test_watchdog(void)
{
	static const struct {
		const char *period, *pid;
		int ms;
	} cases[] = {
		{ NULL, NULL, 0 },
		{ "30000000", NULL, 15000 },
		{ "30000000", "$$", 15000 },
		{ "30000000", "1", 0 },
		{ "2000", NULL, 1 },
		{ "3", NULL, 1 },
		{ "0", NULL, 0 },
		{ "-1", NULL, 0 },
		{ "", NULL, 0 },
		{ "x", NULL, 0 },
		{ "+30000000", NULL, 0 },
		{ " 30000000", NULL, 0 },
		{ "30000000x", NULL, 0 },
		{ "0030000000", NULL, 15000 },
		{ "30000000", "$$x", 0 },
		{ "30000000", "4294967297", 0 },
		{ "2147483648", NULL, 1073741 },
		{ "4294967297", NULL, 2147483 },
		{ "172800000000", NULL, 24 * 3600 * 1000 },
		{ "259200000000", NULL, 24 * 3600 * 1000 },
		{ "9223372036854775807", NULL, 24 * 3600 * 1000 },
		{ "9223372036854775808", NULL, 24 * 3600 * 1000 },
		{ "18446744073709551614", NULL, 24 * 3600 * 1000 },
		{ "18446744073709551615", NULL, 0 },
		{ "18446744073709551616", NULL, 0 },
		{ "18446744073740000000", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char pid[32];

		snprintf(pid, sizeof(pid), "%d%s", (int)getpid(), cases[i].pid != NULL && strcmp(cases[i].pid,
		    "$$x") == 0 ? "x" : "");
		unsetenv("WATCHDOG_USEC");
		unsetenv("WATCHDOG_PID");
		if (cases[i].period != NULL)
			setenv("WATCHDOG_USEC", cases[i].period, 1);
		if (cases[i].pid != NULL)
			setenv("WATCHDOG_PID", strncmp(cases[i].pid, "$$", 2) == 0 ? pid : cases[i].pid, 1);
		is_int(notify_watchdog_ms(), cases[i].ms, "WATCHDOG_USEC=%s WATCHDOG_PID=%s",
		    cases[i].period != NULL ? cases[i].period : "(none)", cases[i].pid != NULL ? cases[i].pid : "(none)");
	}
}

int
main(void)
{
	test_socket(NULL);
	test_socket(scratch_path("notify"));
	test_nobody();
	test_watchdog();
	fixture_end();
	return done_testing();
}
