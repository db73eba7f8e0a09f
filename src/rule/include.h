/* Which files `include' stands for. */
#ifndef USHER_INCLUDE_H
#define USHER_INCLUDE_H

#include "rule/parser.h"

/* How deep files can include each other. */
#define INCLUDE_DEPTH 8

/*
 * The files that WRITTEN, a file or a pattern of glob(3), names in the file that P reads: relative to that file's folder, in the
 * order of their bytes, without what editors and packages leave behind.  A pattern may stand for none; a file need not exist.
 * Returns 0 and in *ret_paths a NULL-terminated array that lasts as long as the rules; or -EINVAL, -ENOSPC, -ENOMEM or -errno of
 * opendir(3) and lstat(2), with a complaint.
 */
int include_find(struct parser *p, const char *written, char ***ret_paths);

/*
 * Whether the file that P reads may include PATH, which WRITTEN stands for: not when it is being read already, by whatever name,
 * nor too deep, nor when it is no file.  Returns 0, and in *ret_may_be_gone whether it was found by a pattern and is no link; or
 * -EINVAL with a complaint.
 */
int include_check(struct parser *p, const char *path, const char *written, bool *ret_may_be_gone);

#endif
