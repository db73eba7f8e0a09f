/*
 * Which system calls a process may still make, by seccomp(2).
 *
 * seccomp.c has one table of them; each line says for what a call is needed.
 */
#ifndef USHER_SECCOMP_H
#define USHER_SECCOMP_H

#include <stdbool.h>

/* What a process does from now on; together where it does several. */
enum {
	SECCOMP_SNIFF = 1,		/* look at the first bytes */
	SECCOMP_ACCEPT = 2,		/* accept the connection first */
	SECCOMP_CONNECT = 4,		/* reach a backend, of the families below */
	SECCOMP_TCP = 8,
	SECCOMP_UNIX = 16,
	SECCOMP_VSOCK = 32,
	SECCOMP_RELAY = 64,
	SECCOMP_LOG = 128,		/* write lines to descriptor 2, or to the socket that log_hold() holds */
	SECCOMP_NARROW = 256,		/* leave out more later */
};

/*
 * From now on all system calls but those for WHAT end the process by SIGSYS, after TELL (async-signal-safe) was called with the
 * number.  What an earlier call has left out stays out.  LOG_SOCKET: that socket, or -1.  no_new_privs must be set.
 * Returns 0 or -errno: the kernel has no seccomp, or not for this kind of machine.
 */
int seccomp_enter(unsigned what, int log_socket, void (*tell)(int number));

/* Whether the kernel has it, and for this kind of machine. */
bool seccomp_is_there(void);

#endif
