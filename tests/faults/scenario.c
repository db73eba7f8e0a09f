/* The scenarios, and how usher is started in each. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run.h"

#define BULK_BYTES (512 * 1024)

const struct scenario scenarios[] = {
	{ .name = "chat", .rules = "tls connect %W\nssh connect %R\nany connect %W", .half_close = true,
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "slow", .rules = "tls connect %W\nssh connect %R\nany connect %W",
	    .first = "SSH-", .rest = "2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "unix", .is_unix = true, .rules = "tls connect %W\nssh connect %R\nany connect %W", .half_close = true,
	    .first = "SSH-", .rest = "2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "from", .rules = "!from=127.0.0.0/8 connect %W\nfrom=127.0.0.0/8 ssh connect %R\nany connect %W",
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "bulk", .rules = "ssh connect %R\nany connect %W", .bulk_down = BULK_BYTES,
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "bulk-up", .rules = "ssh connect %R\nany connect %W", .bulk_up = BULK_BYTES, .half_close = true,
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "exec", .rules = "tls connect %W\nssh exec %P\nany connect %W", .program = true,
	    .first = "SSH-2.0-client\r\n", .banner = "program\n" },
	{ .name = "reply", .rules = "tls connect %W\nssh reply \"go away\"\nany connect %W", .own_answer = true,
	    .first = "SSH-2.0-client\r\n", .banner = "go away" },
	{ .name = "reject", .rules = "tls connect %W\nssh reject\nany connect %W", .reset = true, .first = "SSH-2.0-client\r\n" },
	{ .name = "name", .rules = "ssh connect %N\nany connect %W", .half_close = true,
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "config", .file = true, .rules = "tls connect %W\nssh connect %R\nany connect %W", .half_close = true,
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "socket-is-all", .shape = ACCEPTED_ALL, .rules = "tls connect %W\nssh connect %R\nany connect %W",
	    .half_close = true, .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "socket-is-all-exec", .shape = ACCEPTED_ALL, .rules = "ssh exec %P\nany connect %W", .program = true,
	    .first = "SSH-2.0-client\r\n", .banner = "program\n" },
	{ .name = "listen-fds", .shape = ACCEPTED_3, .rules = "tls connect %W\nssh connect %R\nany connect %W", .half_close = true,
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "listening", .shape = LISTENING_3, .file = true, .rules = "ssh connect %R\nany connect %W", .half_close = true,
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
	{ .name = "listening-exec", .shape = LISTENING_0, .file = true, .rules = "ssh exec %P\nany connect %W", .program = true,
	    .first = "SSH-2.0-client\r\n", .banner = "program\n" },
	{ .name = "listening-itself", .shape = LISTENING_OWN, .is_unix = true, .file = true,
	    .rules = "ssh connect %R\nany connect %W", .half_close = true,
	    .first = "SSH-2.0-client\r\n", .more = "more\n", .banner = "SSH-2.0-server\r\n", .bye = "bye\n" },
};
const size_t scenario_count = sizeof scenarios / sizeof scenarios[0];

bool
is_listening(const struct scenario *s)
{
	return s->shape >= LISTENING_0;
}

static void
fill_in(const struct scenario *s, char *to, int right, int wrong, const char *path)
{
	for (const char *p = s->rules; *p != '\0'; p++) {
		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		p++;
		if (*p == 'R' && s->is_unix)
			to += sprintf(to, "unix:%s.right", path);
		else if (*p == 'R')
			to += sprintf(to, "127.0.0.1:%d", right);
		else if (*p == 'W')
			to += sprintf(to, "127.0.0.1:%d", wrong);
		else if (*p == 'N')
			to += sprintf(to, "localhost:%d", right);
		else
			to += sprintf(to, "%s --program", myself);
	}
	*to = '\0';
}

static void
open_log(struct run *r, int *ret_write, enum log_state state)
{
	int p[2];

	r->log = *ret_write = -1;
	if (state == LOG_DEVICE_FULL) {
		*ret_write = open("/dev/full", O_WRONLY | O_CLOEXEC);
		return;
	}
	if (state == LOG_CLOSED)
		return;
	if (pipe2(p, O_CLOEXEC) < 0)
		fail("pipe");
	*ret_write = p[1];
	if (state == LOG_GONE) {
		close(p[0]);
		return;
	}
	r->log = p[0];
	if (state == LOG_FULL) {
		fcntl(p[1], F_SETFL, O_NONBLOCK);
		while (write(p[1], "full full full full full full\n", 1) == 1)
			;
	} else
		fcntl(p[0], F_SETFL, O_NONBLOCK);
}

/* In the child: descriptors, environment, filter, exec. */
static _Noreturn void
become_usher(const struct scenario *s, int socket, int log, int channel, const char *const argv[])
{
	char listen_pid[32], journal[64];
	const char *environment[6];
	int n = 0, null = open("/dev/null", O_RDWR | O_CLOEXEC), at = s->shape == ACCEPTED_3 || s->shape == LISTENING_3 ? 3 : 0;
	struct stat st;
	sigset_t none;

	/* out of the way of what is to be put in place */
	channel = fcntl(channel, F_DUPFD_CLOEXEC, 20);
	if (socket >= 0)
		socket = fcntl(socket, F_DUPFD_CLOEXEC, 20);
	if (log >= 0)
		log = fcntl(log, F_DUPFD_CLOEXEC, 20);
	dup2(null, 0);
	dup2(null, 1);
	if (socket >= 0)
		dup2(socket, at);
	if (s->shape == ACCEPTED_ALL) {
		dup2(socket, 1);
		dup2(socket, 2);
	} else if (log >= 0)
		dup2(log, 2);
	else
		close(2);
	/* SO_NONBLOCK was ours */
	if (socket >= 0)
		fcntl(socket, F_SETFL, 0);
	environment[n++] = "PATH=/usr/bin:/bin";
	if (at == 3) {
		sprintf(listen_pid, "LISTEN_PID=%d", (int)getpid());
		environment[n++] = listen_pid;
		environment[n++] = "LISTEN_FDS=1";
	}
	if (s->shape != ACCEPTED_ALL && fstat(2, &st) == 0) {
		sprintf(journal, "JOURNAL_STREAM=%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
		environment[n++] = journal;
	}
	environment[n] = NULL;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	syscall(__NR_close_range, at == 3 ? 4 : 3, 19, 0);
	if (inject_begin(channel) == 0)
		execve(usher, (char *const *)argv, (char *const *)environment);
	_exit(99);
}

void
scenario_begin(struct run *r)
{
	const struct scenario *s = r->s;
	char rules[1024], file[200], own[200], own_listen[220];
	const char *argv[24];
	int argc = 0, right = 0, wrong = 0, port = 0, socket = -1, log, channel[2], listening = -1;
	FILE *out;

	sprintf(file, "%s.conf", r->path);
	sprintf(own, "%s.right", r->path);
	r->right = open_listener(s->is_unix ? own : NULL, &right);
	r->wrong = open_listener(NULL, &wrong);
	sprintf(own, "%s.own", r->path);
	fill_in(s, rules, right, wrong, r->path);
	argv[argc++] = "usher";
	argv[argc++] = "--timeout";
	argv[argc++] = "2s";
	argv[argc++] = "--connect-timeout";
	argv[argc++] = "2s";
	if (s->file) {
		if ((out = fopen(file, "w")) == NULL)
			fail(file);
		fprintf(out, "%s\n", rules);
		fclose(out);
		argv[argc++] = "--config";
		argv[argc++] = file;
	} else
		for (char *line = strtok(rules, "\n"); line != NULL; line = strtok(NULL, "\n"))
			argv[argc++] = line;
	if (s->shape == LISTENING_OWN) {
		unlink(own);
		sprintf(own_listen, "unix:%s", own);
		argv[argc++] = "--listen";
		argv[argc++] = own_listen;
	} else
		listening = open_listener(s->is_unix ? own : NULL, &port);
	argv[argc] = NULL;
	r->client = (struct end){ .fd = -1, .got = malloc(r->answer_length + 4096) };
	r->backend = (struct end){ .fd = -1, .got = malloc(r->request_length + 4096) };
	if (!is_listening(s)) {
		r->client.fd = open_connection(s->is_unix ? own : NULL, port);
		socket = accept(listening, NULL, NULL);
		close(listening);
		r->client_number = 1;
		end_send(&r->client, r->request, strlen(s->first));
	} else
		socket = listening;
	r->own_socket = port;
	open_log(r, &log, r->c != NULL ? r->c->log : LOG_READ);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		fail("socketpair");
	r->pid = fork();
	if (r->pid < 0)
		fail("fork");
	if (r->pid == 0)
		become_usher(s, socket, log, channel[1], argv);
	close(channel[1]);
	if (socket >= 0)
		close(socket);
	if (log >= 0)
		close(log);
	r->listener = inject_receive(channel[0]);
	if (r->listener < 0) {
		printf("1..0 # SKIP seccomp_unotify(2) is not to be had here\n");
		fflush(stdout);
		_exit(77);
	}
	close(channel[0]);
}
