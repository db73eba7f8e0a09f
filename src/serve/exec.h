/* Give the connection to another program, as an inetd would. */
#ifndef USHER_EXEC_H
#define USHER_EXEC_H

#include "net/intake.h"
#include "probe/probe.h"
#include "rule/rule.h"

/*
 * execve(2) what A says, as the user and in the folder that it says, with the connection as descriptors 0 and 1, standard error as
 * it is (/dev/null where that is the client's socket) and no other descriptor; with default signal dispositions and mask; with our
 * environment, less what was meant for us alone (LISTEN_*, NOTIFY_SOCKET, WATCHDOG_*) and plus REMOTE_ADDR, REMOTE_PORT, the UCSPI
 * names (PROTO, TCPREMOTEIP, TCPREMOTEPORT, TCPLOCALIP, TCPLOCALPORT), USHER_PROTOCOL and USHER_<ATTRIBUTE>, the attribute's values
 * joined by commas.
 * PROBE may be NULL: the protocol is not known.
 * Returns only on failure: -errno, and what could not be done in two words, such as "run" and the program.
 */
int exec_program(struct connection *c, const struct action *a, const struct probe *probe, const struct reading *reading,
    const char *ret_what[2]);

#endif
