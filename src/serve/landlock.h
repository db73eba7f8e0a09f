/* Which files a process may still open, and where it may connect to, by landlock(7). */
#ifndef USHER_LANDLOCK_H
#define USHER_LANDLOCK_H

#include "rule/rule.h"

/*
 * From now on no file can be opened or made, no TCP port be bound or connected to and no process outside be signalled; abstract
 * sockets outside are out of reach as well.  Excepted are connecting to the ports that RULES (NULL: none) name, and abstract
 * sockets where NEEDS (rules_need()) has them.  What is open stays open.  no_new_privs must be set.  Returns 0 or -errno: the
 * kernel has none.
 */
int landlock_enter(const struct rules *rules, unsigned needs);

/* The version of what the kernel has, or 0.  4 and later know of ports, 6 and later of signals and abstract sockets. */
int landlock_version(void);

#endif
