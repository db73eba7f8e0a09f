/* What several tests need: pairs of connected sockets, children that do not outlive us, rules from text. */
#ifndef USHER_FIXTURE_H
#define USHER_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/address.h"

enum wire { WIRE_TCP4, WIRE_TCP6, WIRE_UNIX };

/* "tcp4", "tcp6", "unix" */
const char *wire_name(enum wire wire);

/* Whether this machine has WIRE: ::1 is missing in some containers. */
bool wire_works(enum wire wire);

/* Whether what WIRE has received can be peeked at as sniff does it: Unix sockets by SO_PEEK_OFF, which qemu-user does not know. */
bool wire_peeks(enum wire wire);

/* AF_INET, AF_INET6, AF_UNIX */
sa_family_t wire_family(enum wire wire);

/* A listening socket on a loopback address and port of the kernel's choice (Unix: an abstract name), its address in *ret. */
int listener(enum wire wire, int backlog, struct address *ret);

/* Connect to ADDRESS, blocking. */
int connect_to(const struct address *address);

/* near: as an accepted socket is, what usher would be given.  far: the peer's end, for the test to play with. */
struct pair {
	int near, far;
};

struct pair pair_open(enum wire wire);
void pair_close(struct pair *p);

/* Write everything, blocking; the test ends if that fails. */
void send_all(int fd, const void *bytes, size_t length);
void send_text(int fd, const char *text);

/* Read until LENGTH bytes are there, end of file or an error.  Returns how many came. */
size_t receive(int fd, void *bytes, size_t length);

/* close(2) such that a TCP peer is sent a reset. */
void reset(int fd);

/* Wait, bounded, until poll(2) has one of EVENTS for FD.  Returns what it had, 0 after a minute. */
int poll_for(int fd, int events);

/* fork(2); the child has five minutes and dies with us. */
pid_t fork_child(void);

/* Wait for a child.  Returns its exit status, or 128 and the signal that ended it. */
int wait_child(pid_t pid);

/* Processor time and voluntary context switches of this process so far. */
struct effort {
	int64_t cpu_us, switches;
};

struct effort effort_now(void);

/* A file with LENGTH bytes of TEXT in a folder of its own, which fixture_end() removes.  The name stands until the next call. */
const char *scratch_file(const char *text, size_t length);
const char *scratch_path(const char *name);
void fixture_end(void);

/* The number of descriptors that this process has open. */
int count_descriptors(void);

#endif
