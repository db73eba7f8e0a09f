#include "config.h"

#include "serve/exec.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/log.h"
#include "base/oom.h"

/* Names that were meant for us, or that we set for the program ourselves; what follows a `*' may be anything. */
static const char *const ours[] = {
	"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
	"PROTO", "REMOTE_ADDR", "REMOTE_PORT", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT", "USHER_*",
};

/* Further names for both ends of the socket; none of them is true where a proxy is the other end. */
static const char *const ends[] = { "REMOTE_HOST", "TCPREMOTEHOST", "TCPREMOTEINFO", "TCPLOCALHOST" };

static bool
is_among(const char *entry, const char *const names[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strcspn(names[i], "*");

		if (strncmp(entry, names[i], n) == 0 && (names[i][n] == '*' || entry[n] == '='))
			return true;
	}
	return false;
}

/* Whether ENTRY is not passed on to a program that is executed for C. */
static bool
is_dropped(const struct connection *c, const char *entry)
{
	return is_among(entry, ours, sizeof ours / sizeof ours[0]) ||
	    (c->via.length > 0 && is_among(entry, ends, sizeof ends / sizeof ends[0]));
}

/*
 * The new environment, in one piece of memory: COUNT entries, and behind the room for all that there can be, the next byte of text.
 */
struct environment {
	char **entries;
	size_t count;
	char *text;
};

/* Entries that are no attributes, and the longest of them. */
#define FIXED_ENTRIES 8
#define FIXED_TEXT (ADDRESS_HOST + 32)
/* The longest name of an attribute's variable; longer ones are cut. */
#define NAME_TEXT 64

/* Begin an entry NAME=; its value goes to e->text, with a NUL at its end. */
static void
begin_entry(struct environment *e, const char *name)
{
	e->entries[e->count++] = e->text;
	e->text += sprintf(e->text, "%s=", name);
}

static void
add(struct environment *e, const char *name, const char *value)
{
	begin_entry(e, name);
	e->text = stpcpy(e->text, value) + 1;
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

/* USHER_<NAME>=value,value...: all values of the attribute whose first value is at INDEX.  A value ends at a NUL byte. */
static void
add_attribute(struct environment *e, const struct reading *reading, size_t index)
{
	const char *attribute = reading->attribute[index].name;
	char name[NAME_TEXT] = "USHER_";

	for (size_t i = 0; i < index; i++)
		if (strcmp(reading->attribute[i].name, attribute) == 0)
			return;
	for (size_t i = 0; i < sizeof name - 8 && attribute[i] != '\0'; i++)
		name[6 + i] = (char)toupper((unsigned char)attribute[i]);
	begin_entry(e, name);
	for (size_t i = index; i < reading->count; i++) {
		struct span v = reading->attribute[i].value;
		size_t length = span_find(v, 0, '\0');

		if (strcmp(reading->attribute[i].name, attribute) != 0)
			continue;
		if (i > index)
			*e->text++ = ',';
		memcpy(e->text, v.bytes, length);
		e->text += length;
	}
	*e->text++ = '\0';
}

/* Returns a NULL-terminated environment for free(3), or NULL. */
static char **
make_environment(struct connection *c, const struct probe *probe, const struct reading *reading)
{
	extern char **environ;
	struct environment e = { 0 };
	size_t inherited = 0, entries, text = FIXED_ENTRIES * FIXED_TEXT;

	while (environ[inherited] != NULL)
		inherited++;
	for (size_t i = 0; probe != NULL && i < reading->count; i++)
		text += NAME_TEXT + reading->attribute[i].value.length + 2;
	entries = inherited + FIXED_ENTRIES + READING_ATTRIBUTES + 1;
	e.entries = calloc(1, entries * sizeof *e.entries + text);
	if (e.entries == NULL)
		return NULL;
	e.text = (char *)(e.entries + entries);
	for (size_t i = 0; i < inherited; i++)
		if (!is_dropped(c, environ[i]))
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
	return descriptors_close_from(STDERR_FILENO + 1);
}

/* Become the user that A names, with the groups that such a user has; none where it is a number. */
static int
become_user(const struct action *a)
{
	bool by_number = isdigit((unsigned char)a->user[0]);

	if ((by_number ? setgroups(0, NULL) : initgroups(a->user, a->as.gid)) < 0 || setgid(a->as.gid) < 0 || setuid(a->as.uid) < 0)
		return -errno;
	return 0;
}

static int
execute(const struct action *a, char *const environment[], const char *ret_what[2])
{
	int r;

	if (a->user != NULL && (r = become_user(a)) < 0) {
		ret_what[0] = "become";
		ret_what[1] = a->user;
		return r;
	}
	if (a->folder != NULL && chdir(a->folder) < 0) {
		ret_what[0] = "enter";
		ret_what[1] = a->folder;
		return -errno;
	}
	execve(a->argv[0], a->argv, environment);
	return -errno;
}

int
exec_program(struct connection *c, const struct action *a, const struct probe *probe, const struct reading *reading,
    const char *ret_what[2])
{
	char **environment = make_environment(c, probe, reading);
	int r;

	ret_what[0] = "run";
	ret_what[1] = a->argv[0];
	if (environment == NULL)
		return -ENOMEM;
	r = arrange_descriptors(c->fd);
	if (r == 0) {
		c->fd = STDIN_FILENO;
		oom_withdraw();
		default_signals();
		r = execute(a, environment, ret_what);
	}
	free(environment);
	return r;
}
