/* One run of a scenario: usher, and both ends of the connection that it serves. */
#ifndef USHER_TESTS_RUN_H
#define USHER_TESTS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "faults.h"

#define PROCESSES_MAX 16
/* How many clients a listening usher has to serve in a run. */
#define CLIENTS 3

enum shape { ACCEPTED_0, ACCEPTED_ALL, ACCEPTED_3, LISTENING_0, LISTENING_3, LISTENING_OWN };
enum log_state { LOG_READ, LOG_GONE, LOG_FULL, LOG_CLOSED, LOG_DEVICE_FULL };

/*
 * rules: with %R the right backend, %W the wrong one, %N the right one by name, %P a program; a line each.
 * first: what the client sends at once; rest: after a moment; more: when it has the banner.
 * bulk_down, bulk_up: bytes behind banner and more.  half_close: the client finishes first, else the backend.
 */
struct scenario {
	const char *name;
	enum shape shape;
	bool is_unix, file, half_close, program, own_answer, reset;
	const char *rules, *first, *rest, *more, *banner, *bye;
	size_t bulk_down, bulk_up;
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* One failure: the Nth call of NUMBER by the PROCESSth process of a scenario. */
struct testcase {
	const struct scenario *scenario;
	const struct call *call;	/* NULL: nothing fails but the log, as LOG says */
	const struct fault *fault;
	enum fault_class class;
	unsigned process, nth;
	enum log_state log;
};

enum end_kind { OPEN, ENDED, RESET };

/* One end of a conversation that we play. */
struct end {
	int fd;
	enum end_kind end;
	char *got;
	size_t have, sent;
	bool finished;			/* has sent all and shut down */
};

struct process {
	pid_t pid;
	bool started, passed;		/* has reached main(); has become the program */
	int backend;			/* the descriptor that it last connected, or -1 */
	int status;
	unsigned counts[512];
};

struct run {
	const struct scenario *s;
	const struct testcase *c;	/* NULL: record */
	bool injected, hung, gone, parent_was_first, more_due;
	int listener, own_socket, right, wrong, log, children;
	pid_t pid;
	int status;
	struct process processes[PROCESSES_MAX];
	unsigned process_count;
	struct end client, backend;
	unsigned client_number, full;
	bool short_end;			/* a client got a part that ended like a whole one */
	bool false_bytes, wrong_reached, short_request, terminated;
	/* what else the log may say of a side that we have reset, or NULL: it had finished before, or its socket knows no resets */
	const char *also_right;
	unsigned connections;
	char *request, *answer, *path;
	size_t request_length, answer_length;
	char text[16384];
	size_t text_length;
	int64_t last;
};

/* The files of usher and of this program, and the folder that the runs may write to. */
extern const char *usher, *myself;

/* Print why testing cannot go on, with errno, and end. */
_Noreturn void fail(const char *what);

bool is_listening(const struct scenario *s);

/* --- scenario.c --- */

/* Start usher as the scenario and the case of R say. */
void scenario_begin(struct run *r);

/* --- ends.c: sockets --- */

/* Listen at PATH, or at a port of 127.0.0.1 where that is NULL.  Returns the descriptor. */
int open_listener(const char *path, int *ret_port);

/* Returns the descriptor, or -1. */
int open_connection(const char *path, int port);

void end_close(struct end *e);

/* Read what there is.  ROOM is larger than what may come. */
void end_read(struct end *e, size_t room);

/* Send from TEXT up to byte TO. */
void end_send(struct end *e, const char *text, size_t to);

void end_finish(struct end *e);

/* --- intercept.c: what usher's system calls come to --- */

/* Note that CALL, the NTH of its kind in process PROCESS of the scenario, can be made to fail.  faults.c. */
void record(struct run *r, unsigned process, const struct call *call, unsigned nth, const struct inject_call *c);

/* Answer the system call that waits, if there is one: let it go on, have it fail, or note it. */
void take_call(struct run *r);

/* --- play.c --- */

/*
 * Run scenario S with case C, or without a fault and recording its system calls where that is NULL.  PATH: what the names of files
 * begin with.  CHILDREN: a signalfd(2) of SIGCHLD.
 */
void run(struct run *r, const struct scenario *s, const struct testcase *c, char *path, int children);

/* --- judge.c --- */

enum verdict { NOT_RUN, NOT_REACHED, GOOD, BAD };
struct outcome {
	enum verdict verdict;
	char why[600];
};

/* Whether the fault of C befalls the process that resolves a name. */
bool is_resolver(const struct testcase *c);

void judge(const struct run *r, struct outcome *o);

#endif
