/*
 * A whole connection: the input says what the client and the backend do, and when time passes.
 *
 * Whatever usher would wait for is decided here: where it calls poll(2) and nothing is ready, the next step of the script is taken.
 * Both peers are at the other end of a pair of Unix sockets; everything else is the kernel's.  The linker puts the functions below
 * in the place of those that usher calls (ld(1), --wrap).
 *
 * Byte 0: which rules, and which limits.  Then steps: one byte, low three bits the kind, the others how much; see take_step().
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "net/address.h"
#include "rule/grammar.h"
#include "serve/serve.h"

#define STREAM_MAX (1 << 20)
#define BULK 40000
/* More than any script of 4096 bytes can be the reason for. */
#define POLLS_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
int __real_nanosleep(const struct timespec *time, struct timespec *left);
int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __real_pipe2(int fds[2], int flags);
long __real_syscall(long number, ...);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_pipe2(int fds[2], int flags);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
bool __wrap_log_wants(int level);
void __wrap_log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One that usher talks to.  fd: -1 when there is none (any more).  sent: what it has sent, which the other one is to get. */
struct peer {
	int fd;
	bool finished;		/* sends no more */
	bool ended;		/* has seen an end, of whatever kind */
	size_t received, length;
	uint8_t sent[STREAM_MAX];
};

static struct peer client, backend;
static struct storage storage;

static struct {
	bool on;
	const uint8_t *next, *end;
	bool refuse;		/* the first endpoint does */
	bool small;		/* buffers */
	bool no_pipe;		/* so that what is relayed goes through memory */
	int64_t now_ms;
	unsigned polls, stalls;
	unsigned goodbyes;
	unsigned lines;
	char line[LOG_LINE];
} play;

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

/* --- the peers --- */

static void
peer_open(struct peer *p, int *ret_near)
{
	int pair[2], size = 4096;

	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	for (int i = 0; play.small && i < 2; i++)
		expect(setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
	p->fd = pair[0];
	p->finished = p->ended = false;
	p->received = p->length = 0;
	*ret_near = pair[1];
}

static void
peer_close(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	p->finished = true;
}

static void
peer_finish(struct peer *p)
{
	if (p->fd >= 0 && !p->finished)
		shutdown(p->fd, SHUT_WR);
	p->finished = true;
}

static void
peer_send(struct peer *p, const uint8_t *bytes, size_t length)
{
	ssize_t n;

	if (p->fd < 0 || p->finished || p->length + length > STREAM_MAX)
		return;
	n = send(p->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n <= 0)
		return;
	memcpy(p->sent + p->length, bytes, (size_t)n);
	p->length += (size_t)n;
}

static void
peer_send_bulk(struct peer *p)
{
	static uint8_t bulk[BULK];

	for (size_t i = 0; i < BULK; i++)
		bulk[i] = (uint8_t)((p->length + i) * 31 >> 3);
	peer_send(p, bulk, BULK);
}

/* Read up to MOST bytes, which are to be what FROM has sent, or TEXT.  Returns whether there was any news. */
static bool
peer_receive(struct peer *p, size_t most, const uint8_t *stream, size_t length)
{
	static uint8_t bytes[BULK];
	ssize_t n;

	if (p->fd < 0 || p->ended)
		return false;
	n = recv(p->fd, bytes, most < BULK ? most : BULK, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		p->ended = true;
		return true;
	}
	expect((size_t)n <= length - p->received && memcmp(bytes, stream + p->received, (size_t)n) == 0);
	p->received += (size_t)n;
	return true;
}

/* --- the rules --- */

#define REPLY "HTTP/1.1 400 no\r\n\r\n"

static const char *const rule_lines[] = {
	"http host=a,*.b path=^/x connect 192.0.2.1:1",
	"tls sni=a alpn=h2 connect 192.0.2.2:1",
	"ssh connect 192.0.2.3:1,192.0.2.4:1",
	"http reply \"HTTP/1.1 400 no\\r\\n\\r\\n\"",
	"tls reject",
	"text=close close",
	"silent=300ms connect 192.0.2.5:1",
	"any connect 192.0.2.6:1",
};

static struct rules rules;
static struct settings settings;

static void
begin(void)
{
	struct complaint complaint;

	settings_defaults(&settings);
	settings.sandbox = SANDBOX_OFF;
	for (size_t i = 0; i < sizeof(rule_lines) / sizeof(rule_lines[0]); i++)
		if (grammar_line(&rules, &settings, NULL, 0, rule_lines[i], &complaint) != 0) {
			fprintf(stderr, "%s: %s\n", rule_lines[i], complaint.text);
			abort();
		}
}

/* What the client may be sent: the backend's words, or what a rule replies. */
static bool
client_receive(size_t most)
{
	static const uint8_t reply[] = REPLY;

	if (backend.fd < 0 && backend.length == 0)
		return peer_receive(&client, most, reply, sizeof(reply) - 1);
	return peer_receive(&client, most, backend.sent, backend.length);
}

static bool
backend_receive(size_t most)
{
	return peer_receive(&backend, most, client.sent, client.length);
}

/* --- the script --- */

enum step { CLIENT_SENDS, BACKEND_SENDS, CLIENT_READS, BACKEND_READS, CLIENT_ENDS, BACKEND_ENDS, BULK_SENT, TIME_PASSES };

static void
take_step(void)
{
	uint8_t step = *play.next++;
	size_t much = step >> 3, left = (size_t)(play.end - play.next);

	switch ((enum step)(step & 7)) {
	case CLIENT_SENDS:
	case BACKEND_SENDS:
		/* 31: the next byte says how many */
		if (much == 31 && left > 0) {
			much = *play.next++;
			left--;
		}
		much = much < left ? much : left;
		peer_send((step & 7) == CLIENT_SENDS ? &client : &backend, play.next, much);
		play.next += much;
		break;
	case CLIENT_READS:
		client_receive(much == 31 ? BULK : much + 1);
		break;
	case BACKEND_READS:
		backend_receive(much == 31 ? BULK : much + 1);
		break;
	case CLIENT_ENDS:
		(much & 1 ? peer_close : peer_finish)(&client);
		break;
	case BACKEND_ENDS:
		(much & 1 ? peer_close : peer_finish)(&backend);
		break;
	case BULK_SENT:
		peer_send_bulk(much & 1 ? &backend : &client);
		break;
	case TIME_PASSES:
		play.now_ms += (int64_t)(much + 1) * 100;
		break;
	}
}

/* Once the script is over, both read what there is, then end, then go.  Returns false when nothing is left to do. */
static bool
say_goodbye(void)
{
	bool news = client_receive(BULK);

	news |= backend_receive(BULK);
	if (news)
		return true;
	/* the relay waits for ever: each side has been told of the other's end */
	expect(backend.fd < 0 || ((!client.finished || backend.ended) && (!backend.finished || client.fd < 0 || client.ended)));
	switch (play.goodbyes++) {
	case 0:
		peer_finish(&client);
		peer_finish(&backend);
		return true;
	case 1:
		peer_close(&client);
		peer_close(&backend);
		return true;
	default:
		return false;
	}
}

/* --- what usher calls --- */

/* A Unix socket is ready for any byte; TCP only for as many as SO_RCVLOWAT says. */
static int
ready(struct pollfd *fds, nfds_t count)
{
	int n;

	/* the fuzzer has an alarm of its own */
	do {
		n = __real_poll(fds, count, 0);
	} while (n < 0 && errno == EINTR);
	for (nfds_t i = 0; i < count && n > 0; i++) {
		int least = 0, have = 0;
		socklen_t size = sizeof(least);

		if (fds[i].fd < 0 || !(fds[i].revents & POLLIN) || fds[i].revents & (POLLHUP | POLLRDHUP | POLLERR))
			continue;
		if (getsockopt(fds[i].fd, SOL_SOCKET, SO_RCVLOWAT, &least, &size) == 0 && ioctl(fds[i].fd, FIONREAD, &have) == 0 &&
		    have > 0 && have < least)
			fds[i].revents &= ~POLLIN;
		n -= fds[i].revents == 0;
	}
	return n;
}

static int
played_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int64_t deadline = timeout < 0 ? INT64_MAX : play.now_ms + timeout;

	expect(++play.polls < POLLS_MAX);
	for (;;) {
		int n = ready(fds, count);

		if (n != 0)
			return n;
		if (play.now_ms >= deadline)
			return 0;
		if (play.next < play.end)
			take_step();
		else if (client_receive(BULK) || backend_receive(BULK))
			continue;
		else if (timeout > 0)
			play.now_ms = deadline;
		else
			expect(say_goodbye());		/* nobody is there any more, and it waits for ever */
	}
}

int
__wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return play.on ? played_poll(fds, count, timeout) : __real_poll(fds, count, timeout);
}

int
__wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	if (!play.on)
		return __real_ppoll(fds, count, timeout, mask);
	return played_poll(fds, count, timeout == NULL ? -1 : (int)(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000));
}

int
__wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	if (!play.on)
		return __real_nanosleep(time, left);
	expect(++play.stalls < POLLS_MAX);
	play.now_ms += time->tv_sec * 1000 + time->tv_nsec / 1000000;
	return 0;
}

int
__wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int near;

	if (!play.on)
		return __real_connect(fd, address, size);
	if (play.refuse) {
		play.refuse = false;
		errno = ECONNREFUSED;
		return -1;
	}
	peer_open(&backend, &near);
	expect(dup3(near, fd, O_CLOEXEC) == fd);
	close(near);
	return 0;
}

int
__wrap_pipe2(int fds[2], int flags)
{
	if (!play.on || !play.no_pipe)
		return __real_pipe2(fds, flags);
	errno = EMFILE;
	return -1;
}

long
__wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	struct timespec *now = (struct timespec *)b;

	if (!play.on || number != SYS_clock_gettime)
		return __real_syscall(number, a, b, c, d, e, f);
	now->tv_sec = play.now_ms / 1000;
	now->tv_nsec = play.now_ms % 1000 * 1000000;
	return 0;
}

bool
__wrap_log_wants(int level)
{
	return level <= LOG_INFO;
}

void
__wrap_log_line(int level, const char *format, ...)
{
	va_list ap;

	if (level > LOG_INFO)
		return;
	play.lines++;
	va_start(ap, format);
	vsnprintf(play.line, sizeof(play.line), format, ap);
	va_end(ap);
}

/* --- what must hold --- */

static bool
ended_as(const char *how)
{
	const char *end = strstr(play.line, " end=");

	return end != NULL && strcmp(end + strlen(" end="), how) == 0;
}

static void
check(int fd)
{
	expect(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
	/* one line, with an end, and nothing in it that a terminal would take for a command */
	expect(play.lines == 1);
	expect(strstr(play.line, " end=") != NULL);
	for (const char *c = play.line; *c != '\0'; c++)
		expect((unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f);
	/* what the peers had not read yet */
	while (client_receive(BULK))
		continue;
	while (backend_receive(BULK))
		continue;
	expect(client.fd < 0 || client.ended);
	expect(backend.fd < 0 || backend.ended);
	if (strstr(play.line, " bytes_in=") != NULL && (ended_as("client") || ended_as("backend"))) {
		expect(client.fd < 0 || client.received == backend.length);
		expect(backend.fd < 0 || backend.received == client.length);
	}
	if (ended_as("reply"))
		expect(client.fd < 0 || client.received == strlen(REPLY));
	if (ended_as("reject") || ended_as("close"))
		expect(client.received == 0);
}

static int
lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	expect(fd >= 0);
	close(fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t how = length > 0 ? bytes[0] : 0;
	int fd, lowest = lowest_free();

	if (rules.count == 0)
		begin();
	memset(&play, 0, sizeof(play));
	memset(&storage, 0, sizeof(storage));
	play.next = bytes + (length > 0);
	play.end = bytes + length;
	play.now_ms = 1000;
	play.small = how & 1;
	play.refuse = how & 2;
	play.no_pipe = how & 64;
	settings.undecided_next = how & 4;
	settings.idle_timeout_ms = how & 8 ? 60000 : 0;
	settings.half_close_timeout_ms = how & 16 ? 5000 : 0;
	settings.timeout_ms = how & 32 ? 0 : 3000;
	backend.fd = -1;
	backend.received = backend.length = 0;
	backend.finished = backend.ended = false;
	peer_open(&client, &fd);
	storage.connection.fd = fd;
	storage.connection.family = AF_INET;
	expect(address_from_text("192.0.2.9", "9", &storage.connection.peer) == 0);
	play.on = true;
	serve(&storage, &rules, &settings);
	play.on = false;
	check(fd);
	peer_close(&client);
	peer_close(&backend);
	/* nothing else has stayed open, or been closed */
	expect(lowest_free() == lowest);
	return 0;
}
