/*
 * What a process may still do once it reads what a client sends.
 *
 * Root is given up, and so are all capabilities; execve(2) gains no privileges; no file can be opened, no process be made or
 * signalled, no core be dumped, no memory beyond some megabytes be had.  The system calls are those that seccomp.c lists for what
 * the process does; any other one is logged by its number and ends the process by SIGSYS.
 *
 * Each means is left out where the kernel does not have it, or does not let us: the others still hold.  Functions return NULL, or
 * in words what could not be done, the first of several.
 */
#ifndef USHER_SANDBOX_H
#define USHER_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "rule/rule.h"
#include "rule/settings.h"

/*
 * For a process that looks at the bytes of one connection and writes what it found to a pipe; it does not outlive PARENT and has
 * some seconds of processor time.  USER: whom root becomes, here and below.  TELL (async-signal-safe) is called with the number
 * of a call that ends it.  MAY_LOG: to write log lines as well.
 */
const char *sandbox_reader(pid_t parent, const struct user *user, bool may_log, void (*tell)(int number));

/*
 * For one that does everything for a connection itself, by RULES, which take NEEDS (rules_need()): TCP connections are to their
 * ports only.  ACCEPTS: it accepts the connection as well.
 */
const char *sandbox_server(const struct user *user, const struct rules *rules, unsigned needs, bool accepts);

/* For one that relays between two connections that there are. */
const char *sandbox_relay(const struct user *user);

/* From sandbox_server() to the system calls of sandbox_relay(). */
void sandbox_narrow(void);

/*
 * Write to TEXT in words what this system has: "seccomp, Landlock 6", "seccomp, no Landlock".  Returns whether nothing is missing.
 */
#define SANDBOX_FEATURES 64
bool sandbox_features(char text[SANDBOX_FEATURES]);

#endif
