#include "config.h"

#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

/* Names that were meant for us, or that we set for the program ourselves; what follows a `*' may be anything. */
static const char *const ours[] = {
	"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
	"PROTO", "REMOTE_ADDR", "REMOTE_PORT", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT", "USHER_*",
};

static bool
is_ours(const char *entry)
{
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
		size_t n = strcspn(ours[i], "*");

		if (strncmp(entry, ours[i], n) == 0 && (ours[i][n] == '*' || entry[n] == '='))
			return true;
	}
	return false;
}

/* The new environment: COUNT entries of ENTRIES, which has room for all that can be added. */
struct environment {
	char **entries;
	size_t count;
};

/* Add NAME=VALUE.  Without memory the entry is missing. */
static void
add(struct environment *e, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 2;
	char *entry = malloc(size);

	if (entry == NULL)
		return;
	snprintf(entry, size, "%s=%s", name, value);
	e->entries[e->count++] = entry;
}

static void
add_address(struct environment *e, const struct address *a, const char *host_name, const char *port_name)
{
	char host[ADDRESS_HOST], port[24];

	if (!address_is_ip(a))
		return;
	add(e, host_name, address_host(a, host));
	snprintf(port, sizeof port, "%lld", (long long)address_port(a));
	add(e, port_name, port);
}

/* USHER_<NAME>=value,value...: all values of the attribute that stands at INDEX first.  NUL bytes, which cannot be there, end a value. */
static void
add_attribute(struct environment *e, const struct reading *reading, size_t index)
{
	const char *attribute = reading->attribute[index].name;
	char name[64] = "USHER_", *value;
	size_t length = 1;

	for (size_t i = 0; i < index; i++)
		if (reading->attribute[i].name == attribute)
			return;
	for (size_t i = 0; i < sizeof name - 8 && attribute[i] != '\0'; i++)
		name[6 + i] = (char)(attribute[i] >= 'a' && attribute[i] <= 'z' ? attribute[i] - 'a' + 'A' : attribute[i]);
	for (size_t i = index; i < reading->count; i++)
		length += reading->attribute[i].value.length + 1;
	value = calloc(1, length);
	if (value == NULL)
		return;
	for (size_t i = index; i < reading->count; i++) {
		struct span v = reading->attribute[i].value;

		if (reading->attribute[i].name != attribute)
			continue;
		if (*value != '\0')
			strcat(value, ",");
		strncat(value, (const char *)v.bytes, v.length);
	}
	add(e, name, value);
	free(value);
}

static char **
make_environment(struct connection *c, const struct probe *probe, const struct reading *reading)
{
	extern char **environ;
	struct environment e = { 0 };
	size_t inherited = 0;

	while (environ[inherited] != NULL)
		inherited++;
	e.entries = calloc(inherited + 8 + READING_ATTRIBUTES + 1, sizeof *e.entries);
	if (e.entries == NULL)
		return NULL;
	for (size_t i = 0; i < inherited; i++)
		if (!is_ours(environ[i]))
			e.entries[e.count++] = environ[i];
	add_address(&e, &c->peer, "REMOTE_ADDR", "REMOTE_PORT");
	if (address_is_ip(&c->peer)) {
		add(&e, "PROTO", "TCP");
		add_address(&e, &c->peer, "TCPREMOTEIP", "TCPREMOTEPORT");
		add_address(&e, intake_local(c), "TCPLOCALIP", "TCPLOCALPORT");
	}
	if (probe != NULL) {
		add(&e, "USHER_PROTOCOL", probe->name);
		for (size_t i = 0; i < reading->count; i++)
			add_attribute(&e, reading, i);
	}
	return e.entries;
}

static void
default_signals(void)
{
	sigset_t none;

	/* systemd ignores SIGPIPE for its services, and so do we; the two that cannot be changed say EINVAL */
	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Descriptors 0 and 1 are the connection, 2 the log, and there are no others. */
static int
arrange_descriptors(int fd)
{
	struct rlimit limit;

	for (int to = STDIN_FILENO; to <= STDOUT_FILENO; to++)
		if (fd != to && dup2(fd, to) < 0)
			return -errno;
	fcntl(STDIN_FILENO, F_SETFD, 0);
	fcntl(STDOUT_FILENO, F_SETFD, 0);
	if (!log_stderr_is_ours()) {
		int null = open("/dev/null", O_WRONLY);

		if (null < 0 || dup2(null, STDERR_FILENO) < 0)
			return -errno;
	}
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0)
		return 0;
	/* a kernel before 5.9 */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	for (int other = STDERR_FILENO + 1; other < (int)(limit.rlim_cur < 65536 ? limit.rlim_cur : 65536); other++)
		close(other);
	return 0;
}

int
handover(struct connection *c, char *const argv[], const struct probe *probe, const struct reading *reading)
{
	char **environment = make_environment(c, probe, reading);
	int r;

	if (environment == NULL)
		return -ENOMEM;
	r = arrange_descriptors(c->fd);
	if (r < 0)
		return r;
	c->fd = STDIN_FILENO;
	default_signals();
	execve(argv[0], argv, environment);
	return -errno;
}
