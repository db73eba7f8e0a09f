/* Fault injection: which system call fails how, and what is made to fail. */
#ifndef USHER_TESTS_FAULTS_H
#define USHER_TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whose doing a failure is, and so what must be seen after it. */
enum fault_class {
	FAULT_PASSING,		/* nobody's: it passes, and the connection is served in full */
	FAULT_PEER,		/* the client's or the backend's: it may end, and then the log names a side */
	FAULT_BACKEND,		/* the backend cannot be reached */
	FAULT_LOG,		/* a log that cannot be written costs lines, never service */
	FAULT_SYSTEM,		/* this machine's: served in full, or a status and a line that say so */
};

struct fault {
	int error;
	const char *name;
	enum fault_class class;
};

/* A system call that may be told to fail. */
struct call {
	int number;
	const char *name;
	struct fault faults[10];
};

/* The table; ends with a row that has no name. */
extern const struct call calls[];

/* The row of system call NUMBER, or NULL. */
const struct call *call_find(int number);

/*
 * Whether FAULT can befall this call of PID with ARGUMENTS; what the table cannot say.  *ret_class: of this very call.
 */
bool call_can_fail(const struct call *call, const struct fault *fault, pid_t pid, const uint64_t arguments[6],
    enum fault_class *ret_class);

/* --- a process whose system calls are seen before they are done: seccomp_unotify(2) --- */

/*
 * In a child: have the calls of the table, and exit_group(2), ask whoever has the descriptor that is sent through SOCKET; for this
 * process and all its descendants.  Returns 0 or -errno.
 */
int inject_begin(int socket);

/* The other end: take the descriptor.  Returns it or -errno. */
int inject_receive(int socket);

struct inject_call {
	uint64_t id;
	pid_t pid;
	int number;
	uint64_t arguments[6];
};

/* The next call that waits at LISTENER.  Returns whether there was one. */
bool inject_next(int listener, struct inject_call *ret);

/* Have CALL go on, or fail with ERROR if that is not 0. */
void inject_answer(int listener, const struct inject_call *call, int error);

#endif
