/*
 * Which process the kernel ends when memory runs out: proc_pid_oom_score_adj(5).  It takes the one that has the most, which among
 * equals may be the parent, and the port with it; one connection is the lesser loss.
 *
 * Nothing comes of it where /proc is missing, and no more than that.
 */
#ifndef USHER_OOM_H
#define USHER_OOM_H

/* From now on rather this process than its parent. */
void oom_volunteer(void);

/* As it was before; for a program that is executed. */
void oom_withdraw(void);

#endif
