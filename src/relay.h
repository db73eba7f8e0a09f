/*
 * Carry bytes both ways between two connected stream sockets until both sides are done.
 *
 * A side that finishes sending has that passed on (shutdown(2)), and the other direction goes on.  A side that is
 * reset has what it sent before passed on, and then the other side is reset.  While a side does not read, the other is not read.
 */
#ifndef USHER_RELAY_H
#define USHER_RELAY_H

#include <stddef.h>
#include <stdint.h>

enum relay_side { RELAY_CLIENT, RELAY_BACKEND };

/* How it ended: the side that finished sending first, the side that was reset, or nobody said anything for the idle time. */
enum relay_end {
	RELAY_END_CLIENT,
	RELAY_END_BACKEND,
	RELAY_END_CLIENT_RESET,
	RELAY_END_BACKEND_RESET,
	RELAY_END_IDLE,
	RELAY_END_SYSTEM,
};

/* bytes[RELAY_CLIENT]: delivered from client to backend; bytes[RELAY_BACKEND]: the other way. error: errno for RELAY_END_SYSTEM. */
struct relay_result {
	uint64_t bytes[2];
	enum relay_end end;
	int error;
};

#define RELAY_BUFFER 32768

/*
 * idle_ms: end when no byte moved for so many milliseconds; 0: never.
 * buffer: RELAY_BUFFER bytes, of which a chat touches no more than what one message fills.
 * lasts: called with CONTEXT, once at the most, when the connection turns out not to be over in a moment.  NULL: nothing to call.
 */
struct relay_options {
	int idle_ms;
	uint8_t *buffer;
	void (*lasts)(void *context);
	void *context;
};

/*
 * Relay until done.  Takes ownership of both descriptors: they are closed on return, or reset where the other side was.
 * The client is read first: a backend has nothing to say to whom it does not know yet, or poll(2) tells of it.
 * SIGPIPE may be ignored from then on.
 */
void relay(int client, int backend, const struct relay_options *options, struct relay_result *ret);

/* "client", "backend", "client-reset", "backend-reset", "idle-timeout", "system" */
const char *relay_end_name(enum relay_end end);

#endif
