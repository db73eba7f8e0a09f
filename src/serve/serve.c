#include "config.h"

#include "serve/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/logfmt.h"
#include "base/title.h"
#include "net/dial.h"
#include "net/fault.h"
#include "net/pass.h"
#include "net/relay.h"
#include "net/reset.h"
#include "rule/action.h"
#include "serve/announce.h"
#include "serve/decide.h"
#include "serve/exec.h"
#include "serve/privsep.h"
#include "serve/sandbox.h"
#include "serve/session.h"

/*
 * Take what has arrived, so that closing does not turn into a reset.  Returns 1 when more may come, 0 at the end of file, or
 * -errno.
 */
static int
drain(int fd)
{
	char waste[4096];
	ssize_t n;

	/* bounded: a client that sends faster than this reads is seen again by the caller's poll */
	for (int i = 0; i < 64; i++) {
		n = recv(fd, waste, sizeof waste, MSG_DONTWAIT);
		if (n <= 0)
			return n == 0 ? 0 : errno == EAGAIN || errno == EINTR ? 1 : -errno;
	}
	return 1;
}

/* Wait until FD is ready for EVENTS, or until DEADLINE.  Returns 0, -ETIMEDOUT or -errno. */
static int
wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int r;

	do
		r = poll(&p, 1, clock_left(deadline));
	while (r < 0 && errno == EINTR);
	return r > 0 ? 0 : r == 0 ? -ETIMEDOUT : -errno;
}

/* Send all of TEXT until DEADLINE.  Returns 0 or -errno, -ETIMEDOUT when the client does not take it. */
static int
send_all(int fd, const char *text, size_t length, int64_t deadline)
{
	while (length > 0) {
		ssize_t n = send(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		int r = 0;

		if (n > 0) {
			text += n;
			length -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR)
			return -errno;
		else
			r = wait_for(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Send the reply, then wait for the client to close, for closing on bytes that are not read yet would destroy the reply.
 * Returns 0 or -errno.
 */
static int
reply(int fd, const struct action *a, int64_t deadline)
{
	int r = send_all(fd, a->reply, a->count, deadline), left = 0;

	if (r == 0 && shutdown(fd, SHUT_WR) < 0)
		r = -errno;
	while (r == 0 && left == 0 && (left = drain(fd)) > 0)
		left = wait_for(fd, POLLIN, deadline);
	/* all of it was sent: how the client goes then is its own affair */
	if (left < 0 && !fault_of_peer(-left))
		r = left;
	/* half a reply must not look like a whole one */
	if (r < 0)
		reset_close(fd);
	else
		close(fd);
	return r;
}

/* Tell of an error of the connection: the peer's doing is no failure, this system's is. */
static int
conclude_failed(struct session *s, int error, const char *failure, const char *end)
{
	bool of_peer = *failure == '\0' && fault_of_peer(error);

	session_describe(s);
	if (!of_peer)
		logfmt_text(&s->line, "error", *failure != '\0' ? failure : strerror(error));
	session_log_end(s, of_peer ? LOG_INFO : LOG_ERR, of_peer ? end : "system");
	return of_peer ? EX_OK : EX_OSERR;
}

static void
show_relaying(void *context)
{
	struct session *s = context;
	char client[ADDRESS_TEXT], backend[ADDRESS_TEXT];

	title_format(s->title, "usher: %s %s -> %s", s->probe != NULL ? s->probe->name : "relaying",
	    address_format(&s->connection->peer, client), address_format(&s->backend, backend));
	if (s->confined)
		sandbox_narrow();
}

/* Take note of what a function of sandbox.h has returned.  Returns whether this connection may be served. */
static bool
note_sandbox(struct session *s, const char *failed)
{
	if (failed != NULL)
		log_line(LOG_DEBUG, "sandbox: %s", failed);
	return failed == NULL || s->settings->sandbox != SANDBOX_REQUIRE;
}

/* Before this process reads from the client, whose bytes another one has looked at. */
static bool
confine_relay(struct session *s)
{
	if (s->confined || s->settings->sandbox == SANDBOX_OFF)
		return true;
	log_hold();
	s->unconfined = sandbox_relay(&s->settings->user);
	return note_sandbox(s, s->unconfined);
}

static int
conclude_unconfined(struct session *s)
{
	char failure[96];

	snprintf(failure, sizeof failure, "sandbox: %s", s->unconfined);
	reset_close(s->connection->fd);
	return conclude_failed(s, 0, failure, "system");
}

static int
act_exec(struct session *s)
{
	const struct action *a = &s->rule->action;
	const char *what[2];
	int r;

	/* the last words: after this the process is another program */
	session_log(s, "exec");
	r = exec_program(s->connection, a, s->probe, &s->readings.reading, what);
	log_line(LOG_ERR, "rule %u: cannot %s %s: %s", s->rule->number, what[0], what[1], strerror(-r));
	return what[1] == a->argv[0] && (r == -ENOENT || r == -ENOTDIR) ? 127 : 126;
}

static int
act_connect(struct session *s)
{
	const struct action *a = &s->rule->action;
	struct settings own;
	const struct settings *settings = action_settings(a, s->settings, &own);
	uint8_t header[PROXY_HEADER_MAX];
	/* once the line says what was in the bytes, the room that they are in can be used again */
	struct relay_options options = {
		.idle_ms = settings->idle_timeout_ms,
		.half_close_ms = settings->half_close_timeout_ms,
		.user_timeout_ms = settings->user_timeout_ms,
		.keepalive = settings->keepalive,
		.buffer = s->sniff.bytes,
		.preface = header,
		.long_lived = show_relaying,
		.context = s,
	};
	struct dial_options dial_options = {
		.deadline = clock_limit(clock_ms(), settings->connect_timeout_ms),
		.stagger_ms = settings->stagger_ms,
		.retry_ms = settings->retry_ms,
		.balance = settings->balance,
		.client = &s->connection->peer,
		.transparent = settings->transparent,
		.source = &settings->source,
		.mark = settings->mark,
		.dscp = settings->dscp,
		/* the SYN goes out with the first bytes, so there must be some */
		.fast_open = settings->fast_open && (s->sniff.have > 0 || settings->proxy != PROXY_OFF),
	};
	struct relay_result result;
	char failure[DIAL_FAILURE];
	int fd;

	_Static_assert(RELAY_BUFFER <= sizeof s->sniff.bytes, "the relay has room");
	fd = dial(a->endpoints, a->count, &dial_options, &s->backend, failure);
	if (fd < 0)
		s->backend.length = 0;
	if (fd >= 0 && settings->proxy != PROXY_OFF)
		options.preface_length = announce(s, settings->proxy, header);
	if (fd >= 0 && !confine_relay(s)) {
		reset_close(fd);
		return conclude_unconfined(s);
	}
	session_describe(s);
	if (fd < 0) {
		logfmt_text(&s->line, "error", failure);
		session_log_end(s, LOG_ERR, "backend-unreachable");
		reset_close(s->connection->fd);
		return EX_UNAVAILABLE;
	}
	if (failure[0] != '\0' && log_wants(LOG_INFO))
		logfmt_text(&s->line, "failed", failure);
	relay(s->connection->fd, fd, &options, &result);
	session_log_relayed(s, &result);
	return result.end == RELAY_END_SYSTEM ? EX_OSERR : EX_OK;
}

/* What the program is told of the connection, in the log's words. */
static void
describe_passed(struct session *s)
{
	struct logfmt *l = &s->line;
	char text[ADDRESS_TEXT];

	logfmt_number(l, "peeked", s->sniff.have);
	logfmt_text(l, "client", address_format(&s->connection->peer, text));
	logfmt_text(l, "local", address_format(intake_local(s->connection), text));
	if (s->connection->via.length > 0)
		logfmt_text(l, "via", address_format(&s->connection->via, text));
	probe_describe(l, s->probe, &s->readings.reading, s->sniff.have);
	l->text[l->length++] = '\n';
}

static int
act_pass(struct session *s)
{
	const struct action *a = &s->rule->action;
	struct dial_options options = { .deadline = clock_limit(clock_ms(), s->settings->connect_timeout_ms) };
	char failure[DIAL_FAILURE];
	int fd = dial(a->endpoints, a->count, &options, &s->backend, failure), r = 0;

	if (fd >= 0) {
		describe_passed(s);
		r = pass_descriptor(fd, s->connection->fd, s->line.text, s->line.length);
		close(fd);
		s->line = (struct logfmt){ 0 };
		if (r < 0)
			snprintf(failure, sizeof failure, "%s: %s", a->text, strerror(-r));
	} else
		s->backend.length = 0;
	if (fd >= 0 && r == 0) {
		close(s->connection->fd);
		session_log(s, "pass");
		return EX_OK;
	}
	session_describe(s);
	logfmt_text(&s->line, "error", failure);
	session_log_end(s, LOG_ERR, "backend-unreachable");
	reset_close(s->connection->fd);
	return EX_UNAVAILABLE;
}

static int
act(struct session *s)
{
	int r;

	switch (s->rule->action.kind) {
	case ACTION_EXEC:
		return act_exec(s);
	case ACTION_CONNECT:
		return act_connect(s);
	case ACTION_PASS:
		return act_pass(s);
	case ACTION_REPLY:
		if (!confine_relay(s))
			return conclude_unconfined(s);
		r = reply(s->connection->fd, &s->rule->action, clock_limit(clock_ms(), s->settings->timeout_ms));
		if (r < 0)
			return conclude_failed(s, -r, "", r == -ETIMEDOUT ? "reply" : "client-reset");
		session_log(s, "reply");
		break;
	case ACTION_REJECT:
		reset_close(s->connection->fd);
		session_log(s, "reject");
		break;
	case ACTION_CLOSE:
		drain(s->connection->fd);
		close(s->connection->fd);
		session_log(s, "close");
		break;
	}
	return EX_OK;
}

/* Whether acting takes what nobody may do who has read what the client sends. */
static bool
takes_two(unsigned needs, const struct settings *settings)
{
	if (needs & (RULES_EXECUTE | RULES_RESOLVE | RULES_ADMIN | RULES_PASS) || settings_need_admin(settings))
		return true;
	/* a backend at a Unix socket may ask who connects, or let in root alone */
	return needs & (RULES_PATH | RULES_ABSTRACT) && geteuid() == 0;
}

void
serve_confine(struct storage *storage, const struct rules *rules, const struct settings *settings, bool accepts)
{
	struct session *s = &storage->session;
	unsigned needs = rules_need(rules);

	s->settings = settings;
	if (s->confined || settings->sandbox == SANDBOX_OFF || takes_two(needs, settings))
		return;
	s->confined = true;
	log_hold();
	s->unconfined = sandbox_server(&settings->user, rules, needs, accepts);
}

int
serve(struct storage *storage, const struct rules *rules, const struct settings *settings)
{
	struct session *s = &storage->session;
	struct connection *c = &storage->connection;
	struct decision d;

	s->connection = c;
	s->title = &storage->title;
	s->settings = settings;
	s->start = clock_ms();
	s->readings.scratch = s->scratch;
	s->readings.scratch_size = sizeof s->scratch;
	serve_confine(storage, rules, settings, false);
	if (!note_sandbox(s, s->unconfined))
		return conclude_unconfined(s);
	if (s->confined || settings->sandbox == SANDBOX_OFF)
		decide(s, rules, &d);
	else
		privsep_decide(s, rules, decide, &d);
	if (s->decided != NULL)
		s->decided(s->context, c);
	if (d.end == DECIDE_RULE)
		return act(s);
	if (d.end == DECIDE_PROXY_HEADER) {
		reset_close(c->fd);
		session_describe(s);
		logfmt_text(&s->line, "error", proxy_fault_text(d.fault));
		session_log_end(s, LOG_INFO, decide_end_name(d.end));
		return EX_OK;
	}
	drain(c->fd);
	close(c->fd);
	if (d.error != 0 || *d.failure != '\0')
		return conclude_failed(s, d.error, d.failure, decide_end_name(d.end));
	session_log(s, decide_end_name(d.end));
	return EX_OK;
}
