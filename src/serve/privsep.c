#include "config.h"

#include "serve/privsep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "base/stop.h"
#include "serve/sandbox.h"

/* How much later than the timeout an answer may come. */
#define GRACE_MS 2000

/* Where the child has its connection and its end of the pipe. */
#define CHILD_CONNECTION 0
#define CHILD_PIPE 1

static void
fail(struct decision *d, int error, const char *what)
{
	d->end = DECIDE_SYSTEM;
	d->error = error;
	snprintf(d->failure, sizeof d->failure, "%s", what);
}

/* --- the child --- */

static uint32_t
attribute_index(const struct probe *probe, const char *name)
{
	uint32_t i = 0;

	while (probe->attributes[i].name != NULL && strcmp(probe->attributes[i].name, name) != 0)
		i++;
	return i;
}

static void
put_attributes(struct privsep_message *m, const struct session *s)
{
	const struct reading *r = &s->readings.reading;
	size_t used = 0;

	for (size_t i = 0; s->probe != NULL && i < r->count; i++) {
		struct span v = r->attribute[i].value;

		if (v.length > sizeof m->text - used)
			continue;
		m->attributes[m->count].name = (uint16_t)attribute_index(s->probe, r->attribute[i].name);
		m->attributes[m->count++].length = (uint16_t)v.length;
		memcpy(m->text + used, v.bytes, v.length);
		used += v.length;
	}
}

static uint32_t
unread_number(const struct session *s)
{
	uint32_t number = 2;

	if (s->unread == NULL || s->rule == NULL)
		return 0;
	for (const struct condition *c = s->rule->conditions; c != NULL; c = c->next, number++)
		if (c->attribute == s->unread)
			return number;
	return 1;
}

static void
put(struct privsep_message *m, const struct session *s, const struct decision *d)
{
	const struct connection *c = s->connection;

	m->end = d->end;
	m->error = d->error;
	m->rule = s->rule != NULL ? s->rule->number : 0;
	m->unread = unread_number(s);
	m->probe = s->probe != NULL ? (uint32_t)(s->probe - probes) + 1 : 0;
	m->have = (uint32_t)s->sniff.have;
	m->fault = d->fault;
	m->proxied = c->via.length > 0;
	if (m->proxied) {
		m->peer = c->peer;
		m->local = c->local;
	}
	put_attributes(m, s);
}

/* Static: a signal's handler has no other way to it. */
static struct privsep_message message;

/* A parent that has gone needs no answer. */
static void
answer(int pipe)
{
	const char *from = (const char *)&message;
	size_t left = sizeof message;

	while (left > 0) {
		ssize_t n = write(pipe, from, left);

		if (n < 0 && errno != EINTR)
			return;
		from += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
}

static _Noreturn void
answer_failed(int pipe, int error, const char *what)
{
	message.end = DECIDE_SYSTEM;
	message.error = error;
	strncpy(message.text, what, sizeof message.text - 1);
	answer(pipe);
	_exit(1);
}

static void
tell_forbidden(int number)
{
	message.forbidden = (uint32_t)number + 1;
	answer(CHILD_PIPE);
}

/* Nothing is open but the connection, the pipe and, for --verbose, the log. */
static void
arrange_descriptors(struct connection *c, int pipe, bool log)
{
	int moved = fcntl(pipe, F_DUPFD, STDERR_FILENO + 1), r;

	if (moved < 0 || dup2(c->fd, CHILD_CONNECTION) < 0 || dup2(moved, CHILD_PIPE) < 0)
		answer_failed(pipe, errno, "");
	c->fd = CHILD_CONNECTION;
	if (!log)
		close(STDERR_FILENO);
	r = descriptors_close_from(STDERR_FILENO + 1);
	if (r < 0)
		answer_failed(CHILD_PIPE, -r, "");
}

static _Noreturn void
be_reader(struct session *s, const struct rules *rules, privsep_reader *reader, int pipe, pid_t parent)
{
	bool log = s->settings->verbose;
	struct decision d;
	const char *failed;

	arrange_descriptors(s->connection, pipe, log);
	if (log)
		log_hold();
	failed = sandbox_reader(parent, &s->settings->user, log, tell_forbidden);
	if (failed != NULL && s->settings->sandbox == SANDBOX_REQUIRE)
		answer_failed(CHILD_PIPE, 0, failed);
	if (failed != NULL && log)
		log_line(LOG_DEBUG, "sandbox: %s", failed);
	/* the parent shows it */
	s->title = NULL;
	reader(s, rules, &d);
	put(&message, s, &d);
	answer(CHILD_PIPE);
	_exit(0);
}

/* --- the parent --- */

static const struct rule *
rule_by_number(const struct rules *rules, uint32_t number)
{
	const struct rule *rule = rules->first;

	while (rule != NULL && rule->number != number)
		rule = rule->next;
	return rule;
}

static const struct attribute_kind *
unread_by_number(const struct rule *rule, uint32_t number)
{
	const struct condition *c = rule != NULL ? rule->conditions : NULL;

	if (number == 1)
		return &rule_first_bytes;
	for (uint32_t at = 2; c != NULL && at < number; at++)
		c = c->next;
	return c != NULL && c->kind == CONDITION_ATTRIBUTE ? c->attribute : NULL;
}

/* Whether R can be made of MESSAGE, of a protocol that has KINDS attributes. */
static bool
take_attributes(const struct privsep_message *m, const struct probe *probe, struct reading *r)
{
	size_t kinds = 0, used = 0;

	while (probe != NULL && probe->attributes[kinds].name != NULL)
		kinds++;
	if (m->count > READING_ATTRIBUTES)
		return false;
	for (uint32_t i = 0; i < m->count; i++) {
		size_t length = m->attributes[i].length;

		if (m->attributes[i].name >= kinds || length > sizeof m->text - used)
			return false;
		r->attribute[i].name = probe->attributes[m->attributes[i].name].name;
		r->attribute[i].value = span_of(m->text + used, length);
		used += length;
	}
	r->count = m->count;
	return true;
}

/* Whether A is as the kernel would give it; length 0: it is not known. */
static bool
is_address(const struct address *a)
{
	if (a->length == 0)
		return true;
	switch (a->sa.sa_family) {
	case AF_INET:
		return a->length == sizeof a->in;
	case AF_INET6:
		return a->length == sizeof a->in6;
	case AF_UNIX:
		return a->length >= sizeof a->sa.sa_family && a->length <= sizeof a->un;
	}
	return false;
}

/* Have C say what a header has said, or return false. */
static bool
take_addresses(const struct privsep_message *m, const struct settings *settings, struct connection *c)
{
	if (m->proxied == 0)
		return true;
	if (m->proxied > 1 || !networks_contain(&settings->accept_proxy, &c->peer))
		return false;
	if (m->peer.length == 0 || !is_address(&m->peer) || !is_address(&m->local))
		return false;
	c->via = c->peer;
	c->peer = m->peer;
	c->local = m->local;
	return true;
}

static size_t
count_probes(void)
{
	size_t n = 0;

	while (probes[n].name != NULL)
		n++;
	return n;
}

const char *
privsep_take(const struct privsep_message *m, size_t length, struct session *s, const struct rules *rules, struct decision *ret)
{
	const struct rule *rule = NULL;
	const struct attribute_kind *unread = NULL;
	struct reading *reading = &s->readings.reading;
	struct connection c = *s->connection;

	fail(ret, EPROTO, "");
	reading->count = 0;
	if (length != sizeof *m)
		return length == 0 ? "it did not answer" : "its answer has the wrong size";
	if (m->end >= DECIDE_SYSTEM)
		return "its answer has no such end";
	if (m->error < 0 || m->error > 4095 || (m->error != 0 && m->end != DECIDE_CLIENT_RESET))
		return "its answer has no such error";
	if (m->fault >= PROXY_FAULTS || (m->fault != PROXY_FINE) != (m->end == DECIDE_PROXY_HEADER))
		return "its answer has no such fault";
	if (!take_addresses(m, s->settings, &c))
		return "its answer has addresses that cannot be";
	if (m->rule != 0 && (rule = rule_by_number(rules, m->rule)) == NULL)
		return "its answer has no such rule";
	if ((rule != NULL) != (m->end == DECIDE_RULE || m->end == DECIDE_UNDECIDED))
		return "its answer has a rule too many or too few";
	if (m->end == DECIDE_RULE && !rule_address_holds(rule, &c))
		return "its answer has a rule that does not hold for these addresses";
	if (m->end == DECIDE_UNDECIDED && (unread = unread_by_number(rule, m->unread)) == NULL)
		return "its answer has no such attribute";
	if (m->unread != 0 && m->end != DECIDE_UNDECIDED)
		return "its answer has an attribute too many";
	if (m->have > SNIFF_MAX || m->probe > count_probes())
		return "its answer has no such protocol";
	if (!take_attributes(m, m->probe != 0 ? &probes[m->probe - 1] : NULL, reading)) {
		reading->count = 0;
		return "its answer has attributes that cannot be";
	}
	*s->connection = c;
	s->rule = rule;
	s->unread = unread;
	s->probe = m->probe != 0 ? &probes[m->probe - 1] : NULL;
	s->sniff.have = m->have;
	ret->end = (enum decide_end)m->end;
	ret->error = m->error;
	ret->fault = (enum proxy_fault)m->fault;
	return NULL;
}

/*
 * Read what comes from PIPE into BUFFER, one byte more than a message has, until the child has closed it, or has written a message,
 * or the time is up, or SIGTERM came.  Returns how much it was, or -errno: -ETIMEDOUT, -EINTR.
 */
static ssize_t
receive(struct session *s, int pipe, char *buffer)
{
	int64_t deadline = clock_limit(s->start, s->settings->timeout_ms), show = s->start + SESSION_SHOW_MS;
	struct pollfd p = { .fd = pipe, .events = POLLIN };
	size_t length = 0;

	/* the header of a proxy has a time of its own */
	if (deadline != CLOCK_NEVER)
		deadline += GRACE_MS + s->settings->timeout_ms * !networks_are_empty(&s->settings->accept_proxy);
	while (length < sizeof(struct privsep_message)) {
		int r = stop_poll(&p, 1, clock_left(show < deadline ? show : deadline));
		ssize_t n;

		if (r < 0 && (errno != EINTR || stop_wanted()))
			return -errno;
		if (r == 0 && clock_left(deadline) == 0)
			return -ETIMEDOUT;
		if (r == 0) {
			session_show_waiting(s);
			show = CLOCK_NEVER;
		}
		if (r <= 0)
			continue;
		n = read(pipe, buffer + length, sizeof(struct privsep_message) - length);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		length += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)length;
}

/* End the child, whatever it does.  Returns its wait status, or 0 where somebody else was told. */
static int
end_child(pid_t pid)
{
	int status = 0, r;

	kill(pid, SIGKILL);
	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	return r == pid ? status : 0;
}

/* What is wrong with the child that ended with STATUS after it had written the LENGTH bytes of M. */
static void
complain_of(struct decision *d, const struct privsep_message *m, ssize_t length, int status, const char *wrong)
{
	char text[sizeof d->failure];

	if (length == (ssize_t)sizeof *m && m->forbidden != 0)
		snprintf(text, sizeof text, "the reading process tried system call %u", m->forbidden - 1);
	else if (length == (ssize_t)sizeof *m && m->end == DECIDE_SYSTEM && m->error > 0)
		snprintf(text, sizeof text, "%s", strerror(m->error));
	else if (length == (ssize_t)sizeof *m && m->end == DECIDE_SYSTEM)
		snprintf(text, sizeof text, "sandbox: %.60s", m->text);
	else if (length == 0 && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		snprintf(text, sizeof text, "the reading process was killed by signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof text, "the reading process: %s", wrong);
	fail(d, EPROTO, text);
}

static void
judge(struct session *s, const struct rules *rules, const struct privsep_message *m, ssize_t length, int status, bool more,
    struct decision *ret)
{
	const char *wrong;

	if (length == -EINTR) {
		*ret = (struct decision){ .end = DECIDE_TERMINATED };
		return;
	}
	if (length == -ETIMEDOUT)
		wrong = "no answer in time";
	else if (length < 0)
		wrong = strerror((int)-length);
	else if (more)
		wrong = "it answered more than once";
	else if (length == (ssize_t)sizeof *m && m->forbidden != 0)
		wrong = "";
	else
		wrong = privsep_take(m, (size_t)length, s, rules, ret);
	if (wrong != NULL)
		complain_of(ret, m, length, status, wrong);
}

void
privsep_decide(struct session *s, const struct rules *rules, privsep_reader *reader, struct decision *ret)
{
	/* what is of the client is the child's: its bytes are never here, and their room is free */
	struct privsep_message *m = (struct privsep_message *)(void *)s->scratch;
	pid_t pid, parent = getpid();
	ssize_t length;
	int pipe[2], status;
	char extra;
	bool more;

	_Static_assert(sizeof *m <= sizeof s->scratch, "a message has room");
	*ret = (struct decision){ .end = DECIDE_SYSTEM };
	if (pipe2(pipe, O_CLOEXEC) < 0) {
		fail(ret, errno, "");
		return;
	}
	stop_prepare();
	/* one that ignores it is not told how its children ended, nor that their numbers are still theirs */
	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (pid == 0)
		be_reader(s, rules, reader, pipe[1], parent);
	close(pipe[1]);
	if (pid < 0) {
		fail(ret, errno, "");
		close(pipe[0]);
		return;
	}
	length = receive(s, pipe[0], (char *)m);
	status = end_child(pid);
	more = length == (ssize_t)sizeof *m && read(pipe[0], &extra, 1) > 0;
	close(pipe[0]);
	judge(s, rules, m, length, status, more, ret);
}
