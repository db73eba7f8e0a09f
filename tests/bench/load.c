/*
 * The clients of the benchmark.  One process, so that as little as possible of the machine goes into asking.
 *
 *     load get PORT CLIENTS SECONDS COUNT   closed loop: connect, ask, read to the end of file, close, again; until SECONDS are
 *                                           over or COUNT were served.  Prints: served, failed, seconds, p50, p99 in microseconds
 *     load hold PORT COUNT                  open COUNT connections, have an answer on each, print: held, failed; keep them
 *                                           until the end of standard input
 *     load pull|push PORT STREAMS SECONDS   bulk, in one direction.  Prints: bytes, seconds
 *
 * Everything is on 127.0.0.1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bulk.h"

#define STREAMS_MAX 20000
/* A connection that takes longer than this has failed. */
#define PATIENCE_NS (10 * INT64_C(1000000000))
#define CHUNK (256 * 1024)
/* Connections being opened at a time when they are to be held: more than any backlog would be a measurement of the backlog. */
#define OPENING 32

enum stage { STAGE_CONNECTING, STAGE_ASKED, STAGE_ANSWERED, STAGE_ENDED };

struct client {
	int fd;
	enum stage stage;
	int64_t start;
	uint64_t moved;
};

struct bench {
	struct sockaddr_in server;
	int epoll;
	const char *question;
	bool keep;			/* one answer is enough, the connection stays */
	uint64_t served, failed;
	uint32_t *latency;		/* microseconds */
	size_t room;
	struct client clients[STREAMS_MAX];
};

static const char get[] = "GET / HTTP/1.0\r\nHost: www.example.org\r\n\r\n";
static const char get_and_stay[] = "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
static const char get_bulk[] = "GET /bulk HTTP/1.0\r\nHost: www.example.org\r\n\r\n";
static const char post_bulk[] = "POST /bulk HTTP/1.0\r\nHost: www.example.org\r\nContent-Type: application/octet-stream\r\n\r\n";

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
begin(struct bench *b, struct client *c)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };

	c->start = now_ns();
	c->stage = STAGE_CONNECTING;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	if (connect(c->fd, (struct sockaddr *)&b->server, sizeof b->server) < 0 && errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die("epoll_ctl");
}

static void
fail(struct bench *b, struct client *c)
{
	b->failed++;
	close(c->fd);
	c->fd = -1;
	c->stage = STAGE_ENDED;
}

static void
succeed(struct bench *b, struct client *c)
{
	if (b->served < b->room)
		b->latency[b->served] = (uint32_t)((now_ns() - c->start) / 1000);
	b->served++;
	c->stage = STAGE_ENDED;
	if (b->keep)
		return;
	close(c->fd);
	c->fd = -1;
}

static void
ask(struct bench *b, struct client *c)
{
	ssize_t n = send(c->fd, b->question, strlen(b->question), MSG_NOSIGNAL);

	if (n == (ssize_t)strlen(b->question))
		c->stage = STAGE_ASKED;
	else if (n >= 0 || (errno != EAGAIN && errno != ENOTCONN))
		fail(b, c);
}

static void
hear(struct bench *b, struct client *c)
{
	char answer[4096];
	ssize_t n;

	while ((n = recv(c->fd, answer, sizeof answer, 0)) > 0)
		c->stage = STAGE_ANSWERED;
	if (n == 0 && c->stage == STAGE_ANSWERED)
		succeed(b, c);
	else if (n == 0 || errno != EAGAIN)
		fail(b, c);
	else if (b->keep && c->stage == STAGE_ANSWERED)
		succeed(b, c);
}

static void
turn(struct bench *b, int ms)
{
	struct epoll_event events[256];
	int n = epoll_wait(b->epoll, events, 256, ms);

	for (int i = 0; i < n; i++) {
		struct client *c = events[i].data.ptr;

		if (c->stage == STAGE_CONNECTING)
			ask(b, c);
		if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) &&
		    (c->stage == STAGE_ASKED || c->stage == STAGE_ANSWERED))
			hear(b, c);
		else if (events[i].events & EPOLLERR && c->stage == STAGE_CONNECTING)
			fail(b, c);
	}
}

/* Give up on who has waited for too long. */
static void
sweep(struct bench *b, size_t count, int64_t now)
{
	for (size_t i = 0; i < count; i++)
		if (b->clients[i].stage != STAGE_ENDED && now - b->clients[i].start > PATIENCE_NS)
			fail(b, &b->clients[i]);
}

static int
smaller(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
do_get(struct bench *b, size_t count, double seconds, uint64_t limit)
{
	int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9), now = start, swept = start;
	size_t n;

	b->question = get;
	b->room = 4000000;
	b->latency = malloc(b->room * sizeof *b->latency);
	if (b->latency == NULL)
		die("malloc");
	for (size_t i = 0; i < count; i++)
		begin(b, &b->clients[i]);
	/* where nearly all fail there is nobody to measure */
	while (now < end && b->served < limit && b->failed < 1000 + b->served) {
		turn(b, 100);
		now = now_ns();
		for (size_t i = 0; i < count; i++)
			if (b->clients[i].stage == STAGE_ENDED)
				begin(b, &b->clients[i]);
		if (now - swept > 1000000000) {
			sweep(b, count, now);
			swept = now;
		}
	}
	n = b->served < b->room ? b->served : b->room;
	qsort(b->latency, n, sizeof *b->latency, smaller);
	printf("%llu %llu %.6f %u %u\n", (unsigned long long)b->served, (unsigned long long)b->failed, (double)(now - start) / 1e9,
	    n > 0 ? b->latency[n / 2] : 0, n > 0 ? b->latency[n - 1 - n / 100] : 0);
}

static void
do_hold(struct bench *b, size_t count)
{
	size_t begun = 0;
	char c;

	b->question = get_and_stay;
	b->keep = true;
	while (b->served + b->failed < count) {
		while (begun < count && begun - b->served - b->failed < OPENING)
			begin(b, &b->clients[begun++]);
		turn(b, 100);
		sweep(b, begun, now_ns());
	}
	printf("%llu %llu\n", (unsigned long long)b->served, (unsigned long long)b->failed);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

static void
bulk_begin(struct bench *b, struct client *c, bool push)
{
	const char *question = push ? post_bulk : get_bulk;
	struct epoll_event e = { .events = push ? EPOLLOUT : EPOLLIN, .data.ptr = c };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&b->server, sizeof b->server) < 0 ||
	    send(c->fd, question, strlen(question), MSG_NOSIGNAL) < 0 || epoll_ctl(b->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die("bulk");
}

/*
 * Fill the last unit up and wait until the sink has told of as many as were sent.  Not by a half-close: not every relay passes
 * that on.
 */
static void
push_finish(struct client *c, const char *chunk)
{
	uint64_t units = (c->moved + BULK_UNIT - 1) / BULK_UNIT, told = 0;
	char answer[4096];
	ssize_t n = 0;

	while (c->moved < units * BULK_UNIT) {
		uint64_t left = units * BULK_UNIT - c->moved;

		n = send(c->fd, chunk, left < CHUNK ? (size_t)left : CHUNK, MSG_NOSIGNAL);
		if (n < 0)
			die("send");
		c->moved += (uint64_t)n;
	}
	while (told < units && (n = recv(c->fd, answer, sizeof answer, 0)) > 0)
		told += (uint64_t)n;
	if (told != units) {
		fprintf(stderr, "load: the sink told of %llu units of %llu\n", (unsigned long long)told, (unsigned long long)units);
		exit(1);
	}
}

static void
do_bulk(struct bench *b, size_t streams, double seconds, bool push)
{
	/* MSG_TRUNC: TCP throws the bytes away without copying them */
	static char chunk[CHUNK];
	int64_t start = now_ns(), now = start, end = start + (int64_t)(seconds * 1e9);
	struct epoll_event events[64];
	uint64_t bytes = 0;

	for (size_t i = 0; i < streams; i++)
		bulk_begin(b, &b->clients[i], push);
	while (now < end) {
		int n = epoll_wait(b->epoll, events, 64, 100);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;
			ssize_t moved = push ? send(c->fd, chunk, CHUNK, MSG_DONTWAIT | MSG_NOSIGNAL) :
			    recv(c->fd, NULL, 4 * CHUNK, MSG_DONTWAIT | MSG_TRUNC);

			if (moved == 0 || (moved < 0 && errno != EAGAIN))
				die("the connection ended");
			c->moved += moved > 0 ? (uint64_t)moved : 0;
		}
		now = now_ns();
	}
	for (size_t i = 0; i < streams; i++) {
		if (push)
			push_finish(&b->clients[i], chunk);
		bytes += b->clients[i].moved;
	}
	now = now_ns();
	printf("%llu %.6f\n", (unsigned long long)bytes, (double)(now - start) / 1e9);
}

static double
number(const char *text, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (*end != '\0' || end == text || !(value > 0) || value > max) {
		fprintf(stderr, "load: \"%s\": expected a number up to %.0f\n", text, max);
		exit(64);
	}
	return value;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	const char *what = argc > 1 ? argv[1] : "";

	b.server = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	b.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (argc > 2)
		b.server.sin_port = htons((uint16_t)number(argv[2], 65535));
	if (strcmp(what, "get") == 0 && argc == 6)
		do_get(&b, (size_t)number(argv[3], STREAMS_MAX), number(argv[4], 3600), (uint64_t)number(argv[5], 1e9));
	else if (strcmp(what, "hold") == 0 && argc == 4)
		do_hold(&b, (size_t)number(argv[3], STREAMS_MAX));
	else if ((strcmp(what, "pull") == 0 || strcmp(what, "push") == 0) && argc == 5)
		do_bulk(&b, (size_t)number(argv[3], 64), number(argv[4], 3600), strcmp(what, "push") == 0);
	else {
		fprintf(stderr, "usage: load get PORT CLIENTS SECONDS COUNT | hold PORT COUNT | pull|push PORT STREAMS SECONDS\n");
		return 64;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
