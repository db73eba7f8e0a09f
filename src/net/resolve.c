#include "config.h"

#include "net/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "net/srv.h"

/* What the process that asks writes to its pipe, in one piece.  status, error: getaddrinfo(3)'s, and errno for EAI_SYSTEM. */
struct answer {
	int status, error;
	size_t count;
	struct address addresses[RESOLVE_MAX];
};

/*
 * The process that asks holds nothing of the connection, whose peer is to see its end when we end, and it does not outlive PARENT.
 * Returns where FD is then, or -errno.
 */
static int
stand_alone(int fd, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), moved;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* it had ended before that was said */
	if (getppid() != parent)
		_exit(1);
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (moved < 0)
		return -errno;
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		if (null < 0 || dup2(null, standard) < 0)
			close(standard);
	/* the kernel's name; glibc 2.31 has no SYS_close_range */
	if (moved > STDERR_FILENO + 1)
		syscall(__NR_close_range, STDERR_FILENO + 1, moved - 1, 0);
	/* a kernel before 5.9 cannot, and then what is held is held no longer than until our end */
	syscall(__NR_close_range, moved + 1, ~0U, 0);
	return moved;
}

/* Add the addresses of HOST and SERVICE to ANSWER, as many as have room.  Returns 0 or getaddrinfo's error. */
static int
add_addresses(struct answer *answer, const char *host, const char *service, enum resolve_use use)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = use == RESOLVE_TO_CONNECT ? AI_ADDRCONFIG : 0 };
	struct addrinfo *found = NULL;
	int status = getaddrinfo(host, service, &hints, &found);

	for (const struct addrinfo *a = found; status == 0 && a != NULL && answer->count < RESOLVE_MAX; a = a->ai_next) {
		struct address *to = &answer->addresses[answer->count];

		if (a->ai_addrlen > sizeof to->un)
			continue;
		memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
		to->length = a->ai_addrlen;
		answer->count++;
	}
	return status;
}

/* The same for each place where the service NAME is.  One that cannot be found leaves the others. */
static int
add_services(struct answer *answer, const char *name, enum resolve_use use)
{
	struct srv_record records[SRV_MAX];
	int count = srv_ask(name, records), status = count;

	for (int i = 0; i < count; i++) {
		char port[NUMBER_TEXT];

		number_put(port, records[i].port);
		status = add_addresses(answer, records[i].target, port, use);
	}
	return answer->count > 0 ? 0 : status;
}

static _Noreturn void
ask(const char *host, const char *service, enum resolve_use use, int fd, pid_t parent)
{
	struct answer answer;
	ssize_t written;
	int moved;

	memset(&answer, 0, sizeof answer);
	moved = stand_alone(fd, parent);
	if (moved < 0)
		answer.status = EAI_SYSTEM;
	else if (service != NULL)
		answer.status = add_addresses(&answer, host, service, use);
	else
		answer.status = add_services(&answer, host, use);
	answer.error = moved < 0 ? -moved : errno;
	do
		written = write(moved < 0 ? fd : moved, &answer, sizeof answer);
	while (written < 0 && errno == EINTR);
	_exit(written < 0);
}

/* Read what the process wrote.  Returns as resolve(). */
static int
hear(int fd, int64_t deadline, struct address ret[RESOLVE_MAX], const char **ret_reason)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct answer answer;
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, clock_left(deadline));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	do
		n = r < 0 ? -1 : read(fd, &answer, sizeof answer);
	while (r > 0 && n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != sizeof answer) {
		*ret_reason = "the process that asked has crashed";
		return -EHOSTUNREACH;
	}
	if (answer.status == EAI_SYSTEM && answer.error != 0)
		return -answer.error;
	if (answer.status != 0 || answer.count == 0) {
		*ret_reason = gai_strerror(answer.status != 0 ? answer.status : EAI_NONAME);
		return -EHOSTUNREACH;
	}
	memcpy(ret, answer.addresses, answer.count * sizeof *ret);
	return (int)answer.count;
}

int
resolve(const char *host, const char *service, enum resolve_use use, int64_t deadline, struct address ret[RESOLVE_MAX],
    const char **ret_reason)
{
	pid_t pid, parent = getpid();
	int pipe[2], r;

	/* PIPE_BUF */
	_Static_assert(sizeof(struct answer) <= 4096, "a pipe takes an answer whole");
	if (pipe2(pipe, O_CLOEXEC) < 0)
		r = -errno;
	else {
		pid = fork();
		if (pid == 0)
			ask(host, service, use, pipe[1], parent);
		r = pid < 0 ? -errno : 0;
		close(pipe[1]);
		if (pid > 0) {
			r = hear(pipe[0], deadline, ret, ret_reason);
			kill(pid, SIGKILL);
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		close(pipe[0]);
	}
	if (r < 0 && r != -EHOSTUNREACH)
		*ret_reason = strerror(-r);
	return r;
}
