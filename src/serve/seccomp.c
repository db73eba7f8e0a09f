#include "config.h"

#include "serve/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#endif

#ifdef ARCHITECTURE

/* Which argument of a call is looked at; only its low half, for none of those that are has a high one. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_HALF 4
#else
#define LOW_HALF 0
#endif

enum test { ANY, EQUAL, STREAM, WITHOUT };

/* In place of a value: the descriptor of the log's socket. */
#define THE_LOG_SOCKET UINT32_MAX

/*
 * A system call, what it is needed for, and with what arguments: any, or one that is equal to VALUE, or the same for a socket that
 * is a stream, or one that has none of VALUE's bits.  One of several lines for the same call suffices.
 */
struct call {
	uint16_t what;
	uint8_t test, argument;
	uint32_t number, value;
};

#define ALL 0xffff

static const struct call calls[] = {
	/* read, write, wait */
	{ SECCOMP_SNIFF | SECCOMP_RELAY, ANY, 0, __NR_recvfrom, 0 },
	{ SECCOMP_RELAY | SECCOMP_LOG, ANY, 0, __NR_sendto, 0 },
	{ SECCOMP_RELAY, ANY, 0, __NR_splice, 0 },
#ifdef __NR_poll
	{ ALL, ANY, 0, __NR_poll, 0 },
#endif
#ifdef __NR_ppoll
	{ ALL, ANY, 0, __NR_ppoll, 0 },
#endif
#ifdef __NR_ppoll_time64
	{ ALL, ANY, 0, __NR_ppoll_time64, 0 },
#endif
	/* the answer to a parent, the log, the end */
	{ ALL, ANY, 0, __NR_write, 0 },
	{ ALL, ANY, 0, __NR_exit_group, 0 },
	/* options and states of sockets */
	{ ALL, EQUAL, 1, __NR_setsockopt, SOL_SOCKET },
	{ SECCOMP_RELAY, EQUAL, 1, __NR_setsockopt, IPPROTO_TCP },
	{ SECCOMP_VSOCK, EQUAL, 1, __NR_setsockopt, AF_VSOCK },
	{ ALL, EQUAL, 1, __NR_getsockopt, SOL_SOCKET },
	{ SECCOMP_SNIFF | SECCOMP_CONNECT, ANY, 0, __NR_getsockname, 0 },
	{ SECCOMP_SNIFF, EQUAL, 1, __NR_ioctl, SIOCATMARK },
	{ SECCOMP_RELAY, EQUAL, 1, __NR_ioctl, SIOCOUTQ },
#ifdef __NR_fcntl
	{ SECCOMP_SNIFF | SECCOMP_RELAY, EQUAL, 1, __NR_fcntl, F_GETFL },
	{ SECCOMP_SNIFF | SECCOMP_RELAY, EQUAL, 1, __NR_fcntl, F_SETFL },
	{ SECCOMP_RELAY, EQUAL, 1, __NR_fcntl, F_SETPIPE_SZ },
	{ SECCOMP_RELAY, EQUAL, 1, __NR_fcntl, F_GETPIPE_SZ },
#endif
#ifdef __NR_fcntl64
	{ SECCOMP_SNIFF | SECCOMP_RELAY, EQUAL, 1, __NR_fcntl64, F_GETFL },
	{ SECCOMP_SNIFF | SECCOMP_RELAY, EQUAL, 1, __NR_fcntl64, F_SETFL },
	{ SECCOMP_RELAY, EQUAL, 1, __NR_fcntl64, F_SETPIPE_SZ },
	{ SECCOMP_RELAY, EQUAL, 1, __NR_fcntl64, F_GETPIPE_SZ },
#endif
	{ SECCOMP_RELAY, ANY, 0, __NR_shutdown, 0 },
	{ SECCOMP_RELAY, ANY, 0, __NR_pipe2, 0 },
	{ SECCOMP_RELAY | SECCOMP_CONNECT | SECCOMP_ACCEPT, ANY, 0, __NR_close, 0 },
	/* new ones */
	{ SECCOMP_TCP, STREAM, 0, __NR_socket, AF_INET },
	{ SECCOMP_TCP, STREAM, 0, __NR_socket, AF_INET6 },
	{ SECCOMP_UNIX, STREAM, 0, __NR_socket, AF_UNIX },
	{ SECCOMP_VSOCK, STREAM, 0, __NR_socket, AF_VSOCK },
	{ SECCOMP_CONNECT, ANY, 0, __NR_connect, 0 },
	{ SECCOMP_ACCEPT, ANY, 0, __NR_accept4, 0 },
	/* to a daemon that was started anew */
	{ SECCOMP_LOG, EQUAL, 0, __NR_connect, THE_LOG_SOCKET },
	{ SECCOMP_LOG, ANY, 0, __NR_getpid, 0 },
	/* clocks, where the vDSO has none */
#ifdef __NR_clock_gettime
	{ ALL, ANY, 0, __NR_clock_gettime, 0 },
#endif
#ifdef __NR_clock_gettime64
	{ ALL, ANY, 0, __NR_clock_gettime64, 0 },
#endif
#ifdef __NR_nanosleep
	{ ALL, ANY, 0, __NR_nanosleep, 0 },
#endif
#ifdef __NR_clock_nanosleep
	{ ALL, ANY, 0, __NR_clock_nanosleep, 0 },
#endif
#ifdef __NR_clock_nanosleep_time64
	{ ALL, ANY, 0, __NR_clock_nanosleep_time64, 0 },
#endif
	/* SIGTERM, SIGPIPE, SIGSYS */
	{ ALL, ANY, 0, __NR_rt_sigaction, 0 },
	{ ALL, ANY, 0, __NR_rt_sigprocmask, 0 },
	{ ALL, ANY, 0, __NR_rt_sigreturn, 0 },
#ifdef __NR_sigreturn
	{ ALL, ANY, 0, __NR_sigreturn, 0 },
#endif
	{ ALL, ANY, 0, __NR_restart_syscall, 0 },
	/* memory, for regular expressions, but none that can be executed */
	{ ALL, ANY, 0, __NR_brk, 0 },
	{ ALL, ANY, 0, __NR_munmap, 0 },
	{ ALL, ANY, 0, __NR_madvise, 0 },
	{ ALL, ANY, 0, __NR_mremap, 0 },
#ifdef __NR_mmap
	{ ALL, WITHOUT, 2, __NR_mmap, PROT_EXEC },
#endif
#ifdef __NR_mmap2
	{ ALL, WITHOUT, 2, __NR_mmap2, PROT_EXEC },
#endif
	{ ALL, WITHOUT, 2, __NR_mprotect, PROT_EXEC },
#ifdef __NR_getrandom
	{ ALL, ANY, 0, __NR_getrandom, 0 },
#endif
	/* the title in ps(1); the filter of the next phase */
	{ SECCOMP_RELAY, EQUAL, 0, __NR_prctl, PR_SET_MM },
	{ SECCOMP_NARROW, EQUAL, 0, __NR_prctl, PR_SET_SECCOMP },
};

#define CALLS (sizeof calls / sizeof calls[0])

/* Each call takes a comparison, a decision, and at the most five more of each line; the tree two for each call. */
struct program {
	struct sock_filter code[16 + 9 * CALLS];
	unsigned short length;
};

static void
emit(struct program *p, uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t k)
{
	p->code[p->length++] = (struct sock_filter)BPF_JUMP(code, k, if_true, if_false);
}

static void
load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void
load_argument(struct program *p, size_t number)
{
	load(p, offsetof(struct seccomp_data, args) + number * sizeof(uint64_t) + LOW_HALF);
}

static void
decide(struct program *p, uint32_t what)
{
	emit(p, BPF_RET | BPF_K, 0, 0, what);
}

/* The COUNT lines at CHOSEN are of one call, and the number is that of another, or of this one: then decide. */
static void
emit_call(struct program *p, const struct call *const *chosen, size_t count, uint32_t log_socket)
{
	unsigned short at = p->length;

	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, chosen[0]->number);
	for (size_t i = 0; i < count; i++) {
		uint32_t value = chosen[i]->value == THE_LOG_SOCKET ? log_socket : chosen[i]->value;

		if (chosen[i]->test != ANY)
			load_argument(p, chosen[i]->argument);
		if (chosen[i]->test == EQUAL)
			emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
		if (chosen[i]->test == STREAM) {
			emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, value);
			load_argument(p, 1);
			emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SOCK_STREAM | SOCK_CLOEXEC);
		}
		if (chosen[i]->test == WITHOUT)
			emit(p, BPF_JMP | BPF_JSET | BPF_K, 1, 0, value);
		decide(p, SECCOMP_RET_ALLOW);
	}
	p->code[at].jf = (uint8_t)(p->length - at - 1);
	decide(p, SECCOMP_RET_TRAP);
}

/*
 * A tree over the calls from FIRST to before LAST, by number.  The kernel runs the filter once for each call that it has when it is
 * installed, so that a list would be dear.
 */
static void
emit_tree(struct program *p, const struct call *const *first, const struct call *const *last, uint32_t log_socket)
{
	const struct call *const *middle = first + (last - first) / 2;
	unsigned short jump;

	while (middle > first && middle[-1]->number == middle[0]->number)
		middle--;
	if (middle == first)
		for (middle = first + 1; middle < last && middle[0]->number == first[0]->number;)
			middle++;
	if (middle == last) {
		emit_call(p, first, (size_t)(last - first), log_socket);
		return;
	}
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, (*middle)->number);
	jump = p->length;
	emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_tree(p, first, middle, log_socket);
	p->code[jump].k = p->length - jump - 1U;
	emit_tree(p, middle, last, log_socket);
}

/* The lines of the table that WHAT needs, by number.  Returns how many. */
static size_t
choose(unsigned what, const struct call *chosen[CALLS])
{
	size_t count = 0;

	for (size_t i = 0; i < CALLS; i++) {
		size_t at = count;

		if (!(calls[i].what & what))
			continue;
		for (; at > 0 && chosen[at - 1]->number > calls[i].number; at--)
			chosen[at] = chosen[at - 1];
		chosen[at] = &calls[i];
		count++;
	}
	return count;
}

static void (*report)(int number);

/* What is not allowed is reported, and then ends the process as it would have without this handler. */
static void
forbidden(int number, siginfo_t *info, void *context)
{
	(void)context;
	signal(number, SIG_DFL);
	report(info->si_syscall);
	raise(number);
}

int
seccomp_enter(unsigned what, int log_socket, void (*tell)(int number))
{
	struct sigaction action = { .sa_sigaction = forbidden, .sa_flags = SA_SIGINFO | SA_NODEFER };
	const struct call *chosen[CALLS];
	size_t count = choose(what, chosen);
	struct program p;
	struct sock_fprog program = { .filter = p.code };

	p.length = 0;
	load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
	decide(&p, SECCOMP_RET_KILL_PROCESS);
	load(&p, offsetof(struct seccomp_data, nr));
	/* a descriptor that cannot be is never equal */
	emit_tree(&p, chosen, chosen + count, log_socket >= 0 ? (uint32_t)log_socket : INT32_MAX);
	program.len = p.length;
	report = tell;
	sigaction(SIGSYS, &action, NULL);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

bool
seccomp_is_there(void)
{
	/* EFAULT: it would have read a filter */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) < 0 && errno == EFAULT;
}

#else

bool
seccomp_is_there(void)
{
	return false;
}

int
seccomp_enter(unsigned what, int log_socket, void (*tell)(int number))
{
	(void)what;
	(void)log_socket;
	(void)tell;
	return -ENOSYS;
}

#endif
