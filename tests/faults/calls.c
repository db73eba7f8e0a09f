#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"

#define PASSING(e) { e, #e, FAULT_PASSING }
#define PEER(e) { e, #e, FAULT_PEER }
#define BACKEND(e) { e, #e, FAULT_BACKEND }
#define SYSTEM(e) { e, #e, FAULT_SYSTEM }
#define CALL(name, ...) { __NR_##name, #name, { __VA_ARGS__ } }

/*
 * From ERRORS of each call's manual page in section 2, less what only a mistake in the program can cause (EBADF, EFAULT, EINVAL),
 * and tcp(7) for the errors of a connection.  ENOBUFS of getsockopt(2) and shutdown(2) is POSIX's.
 *
 * Not here: close(2), because one that is said to have failed has not been done, which no kernel does; and what cannot fail.
 */
const struct call calls[] = {
	CALL(recvfrom, PASSING(EINTR), PASSING(EAGAIN), PEER(ECONNRESET), PEER(ETIMEDOUT), SYSTEM(ENOMEM)),
	CALL(sendto, PASSING(EINTR), PASSING(EAGAIN), PEER(ECONNRESET), PEER(EPIPE), SYSTEM(ENOMEM), SYSTEM(ENOBUFS)),
	CALL(splice, PASSING(EINTR), PASSING(EAGAIN), PEER(ECONNRESET), PEER(EPIPE), SYSTEM(ENOMEM), SYSTEM(EINVAL)),
	CALL(shutdown, PEER(ENOTCONN), SYSTEM(ENOBUFS)),
	CALL(socket, SYSTEM(EMFILE), SYSTEM(ENFILE), SYSTEM(ENOBUFS), SYSTEM(ENOMEM), SYSTEM(EACCES), SYSTEM(EAFNOSUPPORT)),
	CALL(connect, PASSING(EINTR), BACKEND(ECONNREFUSED), BACKEND(ETIMEDOUT), BACKEND(ENETUNREACH), BACKEND(EHOSTUNREACH),
	    SYSTEM(EADDRNOTAVAIL), SYSTEM(EACCES), SYSTEM(ENOMEM)),
	CALL(getsockopt, SYSTEM(ENOBUFS), SYSTEM(ENOMEM)),
	CALL(setsockopt, SYSTEM(ENOPROTOOPT), SYSTEM(ENOMEM), SYSTEM(ENOBUFS)),
	CALL(getpeername, SYSTEM(ENOBUFS)),
	CALL(getsockname, SYSTEM(ENOBUFS)),
	CALL(accept4, PASSING(EINTR), PASSING(EAGAIN), PASSING(ECONNABORTED), PASSING(EPROTO), PASSING(EPERM), PASSING(EMFILE),
	    PASSING(ENFILE), PASSING(ENOMEM), PASSING(ENOBUFS)),
	CALL(bind, SYSTEM(EADDRINUSE), SYSTEM(EACCES), SYSTEM(ENOMEM), SYSTEM(EROFS)),
	CALL(listen, SYSTEM(EADDRINUSE)),
	CALL(read, PASSING(EINTR), PASSING(EAGAIN), SYSTEM(EIO)),
	CALL(readv, PASSING(EINTR), SYSTEM(EIO)),
	CALL(write, PASSING(EINTR), PASSING(EAGAIN), PASSING(EPIPE), PASSING(ENOSPC), PASSING(EIO)),
	CALL(writev, PASSING(EINTR), PASSING(EAGAIN), PASSING(EPIPE), PASSING(ENOSPC), PASSING(EIO)),
#ifdef __NR_open
	CALL(open, SYSTEM(EMFILE), SYSTEM(ENFILE), SYSTEM(ENOMEM), SYSTEM(EACCES)),
#endif
	CALL(openat, SYSTEM(EMFILE), SYSTEM(ENFILE), SYSTEM(ENOMEM), SYSTEM(EACCES)),
	CALL(pipe2, SYSTEM(EMFILE), SYSTEM(ENFILE)),
#ifdef __NR_dup2
	CALL(dup2, SYSTEM(EMFILE), SYSTEM(EBUSY)),
#endif
	CALL(dup3, SYSTEM(EMFILE), SYSTEM(EBUSY)),
	CALL(fcntl, SYSTEM(EPERM), SYSTEM(EMFILE), SYSTEM(ENOMEM)),
#ifdef __NR_fstat
	CALL(fstat, SYSTEM(ENOMEM)),
#endif
#ifdef __NR_newfstatat
	CALL(newfstatat, SYSTEM(ENOMEM)),
#endif
	CALL(statx, SYSTEM(ENOMEM)),
#ifdef __NR_poll
	CALL(poll, PASSING(EINTR), SYSTEM(ENOMEM)),
#endif
	CALL(ppoll, PASSING(EINTR), SYSTEM(ENOMEM)),
#ifdef __NR_fork
	CALL(fork, SYSTEM(EAGAIN), SYSTEM(ENOMEM)),
#endif
	CALL(clone, SYSTEM(EAGAIN), SYSTEM(ENOMEM)),
	CALL(execve, SYSTEM(ENOENT), SYSTEM(EACCES), SYSTEM(ENOEXEC), SYSTEM(ENOMEM), SYSTEM(E2BIG), SYSTEM(EMFILE),
	    SYSTEM(ETXTBSY),
	    SYSTEM(EIO)),
	CALL(wait4, PASSING(EINTR), PASSING(ECHILD)),
	CALL(kill, PASSING(ESRCH)),
	CALL(nanosleep, PASSING(EINTR)),
	CALL(signalfd4, SYSTEM(EMFILE), SYSTEM(ENFILE), SYSTEM(ENOMEM)),
	CALL(mmap, SYSTEM(ENOMEM)),
	CALL(brk, SYSTEM(ENOMEM)),
	CALL(mprotect, SYSTEM(ENOMEM)),
	CALL(madvise, PASSING(ENOMEM), PASSING(EAGAIN)),
	CALL(prctl, PASSING(EPERM), PASSING(EINVAL)),
	CALL(close_range, PASSING(ENOSYS)),
#ifdef __NR_unlink
	CALL(unlink, SYSTEM(EACCES), SYSTEM(EROFS)),
#endif
	CALL(unlinkat, SYSTEM(EACCES), SYSTEM(EROFS)),
	{ 0 },
};

const struct call *
call_find(int number)
{
	for (const struct call *c = calls; c->name != NULL; c++)
		if (c->number == number)
			return c;
	return NULL;
}

/* Whether descriptor FD of PID is a file with a name. */
static bool
is_file(pid_t pid, uint64_t fd)
{
	char link[64], to[256];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, (int)fd);
	n = readlink(link, to, sizeof to - 1);
	to[n > 0 ? n : 0] = '\0';
	return to[0] == '/' && strncmp(to, "/dev/", 5) != 0;
}

/* Whether descriptor FD of PID waits for what is not there yet. */
static bool
waits(pid_t pid, uint64_t fd)
{
	char path[64];
	long flags = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)pid, (int)fd);
	f = fopen(path, "r");
	if (f != NULL && fscanf(f, "pos: %*d flags: %lo", (unsigned long *)&flags) != 1)
		flags = 0;
	if (f != NULL)
		fclose(f);
	return (flags & O_NONBLOCK) == 0;
}

static bool
is_stream(pid_t pid, int fd)
{
	int process = (int)syscall(__NR_pidfd_open, pid, 0), copy = (int)syscall(__NR_pidfd_getfd, process, fd, 0), type = 0;
	socklen_t size = sizeof type;

	getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &size);
	close(copy);
	close(process);
	return type == SOCK_STREAM;
}

bool
call_can_fail(const struct call *call, const struct fault *fault, pid_t pid, const uint64_t a[6], enum fault_class *ret_class)
{
	int error = fault->error;

	*ret_class = fault->class;
	switch (call->number) {
	case __NR_recvfrom:
		/* where it waits, EAGAIN is the end of a time limit */
		return error != EAGAIN || a[3] & MSG_DONTWAIT;
	case __NR_sendto:
		return error != EAGAIN || a[3] & MSG_DONTWAIT;
	case __NR_connect:
		/* of a datagram socket it is over at once */
		return error != EINTR || is_stream(pid, (int)a[0]);
	case __NR_read:
	case __NR_readv:
		if (error == EIO)
			return is_file(pid, a[0]);
		return !is_file(pid, a[0]) && (error != EAGAIN || !waits(pid, a[0]));
	case __NR_write:
	case __NR_writev:
		if (a[0] == STDERR_FILENO)
			*ret_class = FAULT_LOG;
		else		/* a pipe, which has room */
			return error == EINTR;
		return true;
#ifdef __NR_fstat
	case __NR_fstat:
#endif
#ifdef __NR_newfstatat
	case __NR_newfstatat:
#endif
	case __NR_statx:
		if (a[0] == STDERR_FILENO)
			*ret_class = FAULT_LOG;
		return true;
	case __NR_fcntl:
		switch ((int)a[1]) {
		case F_SETPIPE_SZ:
			return error == EPERM || error == ENOMEM;
		case F_DUPFD_CLOEXEC:
			return error == EMFILE;
		default:
			return false;
		}
#ifdef __GLIBC__
	case __NR_brk:
		/* glibc 2.36 itself crashes where the heap that it has begun cannot grow */
		return false;
#endif
	case __NR_wait4:
		return error != EINTR || (a[2] & WNOHANG) == 0;
	case __NR_setsockopt:
		/* an option that this kernel or kind of socket does not know is no failure */
		if (error == ENOPROTOOPT)
			*ret_class = FAULT_SYSTEM;
		return true;
	default:
		return true;
	}
}
