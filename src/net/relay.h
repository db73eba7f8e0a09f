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

/*
 * How it ended: the side that finished sending first or was reset; a time limit; SIGTERM; or a system error.  The first cause
 * counts, but the last four override it: with them the relay ends before both sides are done.
 */
enum relay_end {
	RELAY_END_CLIENT,
	RELAY_END_BACKEND,
	RELAY_END_CLIENT_RESET,
	RELAY_END_BACKEND_RESET,
	RELAY_END_IDLE,
	RELAY_END_HALF_CLOSE,
	RELAY_END_TERMINATED,
	RELAY_END_SYSTEM,
};

/*
 * bytes[RELAY_CLIENT]: sent from client to backend; bytes[RELAY_BACKEND]: the other way.  What we reset ourselves counts without
 * the bytes that it had not acknowledged.  error: errno for RELAY_END_SYSTEM.
 */
struct relay_result {
	uint64_t bytes[2];
	enum relay_end end;
	int error;
};

#define RELAY_BUFFER 32768

/*
 * idle_ms: end when no byte moved for so many milliseconds; 0: never.  Bytes that the kernel holds for a side also move as long as
 * that side acknowledges some; this is looked at when the time has passed, and again after the same time.
 * half_close_ms: the same once one side has finished sending.
 * user_timeout_ms: TCP_USER_TIMEOUT of tcp(7) for both sides; 0: leave it.
 * keepalive: after so many seconds of silence, so far apart and so often, a side of a connection that lasts is asked whether it is
 * still there; idle_s 0: never.
 * buffer: RELAY_BUFFER bytes, of which a chat touches no more than what one message fills.
 * preface: PREFACE_LENGTH bytes, RELAY_BUFFER / 4 at the most, that the backend gets in front of the client's, in one segment with
 * the first of those that have arrived.  They are none of the bytes that are counted.
 * long_lived: called with CONTEXT, once at the most, when the connection turns out not to be over in a moment.  NULL: nothing to
 * call.
 */
struct keepalive {
	int idle_s, interval_s, count;
};

struct relay_options {
	int idle_ms;
	int half_close_ms;
	int user_timeout_ms;
	struct keepalive keepalive;
	uint8_t *buffer;
	const uint8_t *preface;
	size_t preface_length;
	void (*long_lived)(void *context);
	void *context;
};

/*
 * Relay until done.  Takes ownership of both descriptors: they are closed on return, or reset where the other side was.  The client
 * is read first: few backends speak first, and poll(2) reports those that do.  Urgent data is delivered in line, in its place among
 * the other bytes.  A side that is cut off, by a time limit, SIGTERM or a system error, before it has all that was sent to it is
 * reset: it must not take what it has for the whole.  SIGPIPE may be ignored from then on, and SIGTERM is taken as stop.h has it.
 */
void relay(int client, int backend, const struct relay_options *options, struct relay_result *ret);

/* "client", "backend", "client-reset", "backend-reset", "idle-timeout", "half-close-timeout", "terminated", "system" */
const char *relay_end_name(enum relay_end end);

#endif
