/* Descriptors that a process should not have. */
#ifndef USHER_DESCRIPTORS_H
#define USHER_DESCRIPTORS_H

/* Close every descriptor from FIRST on.  Returns 0, or -errno, and then nothing was closed. */
int descriptors_close_from(int first);

#endif
