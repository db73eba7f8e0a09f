#include "config.h"

#include "rule/include.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "rule/glob.h"

static bool
is_pattern(const char *written)
{
	return strpbrk(written, "*?[") != NULL;
}

/* As run-parts(8), logrotate(8) and systemd have it: these are copies, and who edits or upgrades does not expect them to count. */
static bool
is_left_behind(const char *path)
{
	static const char *const names[] = {
		"*~", "*.bak", "*.dpkg-*", "*.orig", "*.rpmnew", "*.rpmorig", "*.rpmsave", "*.swp", "*.ucf-*",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (glob_matches(names[i], span_of(path, strlen(path)), ATTRIBUTE_TEXT))
			return true;
	return false;
}

/* WRITTEN behind the folder of P's file; with ESCAPED such that the folder means itself in a pattern. */
static char *
resolve(struct parser *p, const char *written, bool escaped)
{
	const char *slash = *written == '/' ? NULL : strrchr(p->origin, '/');
	size_t folder = slash != NULL ? (size_t)(slash + 1 - p->origin) : 0;
	char *path = parser_reserve(p, 2 * folder + strlen(written) + 1), *to = path;

	if (path == NULL)
		return NULL;
	for (size_t i = 0; i < folder; i++) {
		if (escaped && strchr("*?[\\", p->origin[i]) != NULL)
			*to++ = '\\';
		*to++ = p->origin[i];
	}
	strcpy(to, written);
	return path;
}

/* For glob(3).  A folder that is not there has no files; one that cannot be read could have any.  Leaves ERROR in errno. */
static int
is_fatal(const char *path, int error)
{
	(void)path;
	errno = error;
	return error != 0 && error != ENOENT && error != ENOTDIR;
}

/* The names in FOUND, as include_find() returns them; with SELECT without what is left behind. */
static int
keep(struct parser *p, const glob_t *found, bool select, char ***ret_paths)
{
	char **paths = parser_reserve(p, (found->gl_pathc + 1) * sizeof *paths);
	size_t count = 0;

	if (paths == NULL)
		return -ENOSPC;
	for (size_t i = 0; i < found->gl_pathc; i++) {
		char *path;

		if (select && is_left_behind(found->gl_pathv[i]))
			continue;
		path = parser_reserve(p, strlen(found->gl_pathv[i]) + 1);
		if (path == NULL)
			return -ENOSPC;
		paths[count++] = strcpy(path, found->gl_pathv[i]);
	}
	*ret_paths = paths;
	return 0;
}

int
include_find(struct parser *p, const char *written, char ***ret_paths)
{
	bool pattern = is_pattern(written);
	char *path = resolve(p, written, pattern);
	glob_t found = { 0 };
	int r, error;

	if (path == NULL)
		return -ENOSPC;
	if (!pattern)
		return keep(p, &(glob_t){ .gl_pathc = 1, .gl_pathv = &path }, false, ret_paths);
	errno = 0;
	r = glob(path, 0, is_fatal, &found);
	error = r == GLOB_NOSPACE ? ENOMEM : errno;
	/* errno too: musl says "no match" when it was stopped, and glibc when a folder may be read but not searched */
	if ((r == 0 || r == GLOB_NOMATCH) && !is_fatal(path, error)) {
		r = keep(p, &found, true, ret_paths);
	} else {
		complain(p->complaint, p->origin, p->line, "\"%.120s\": cannot look for files: %s", path, strerror(error));
		r = -error;
	}
	globfree(&found);
	return r;
}

int
include_check(struct parser *p, const char *path, const char *written, bool *ret_may_be_gone)
{
	struct stat st, other;
	bool found = lstat(path, &st) == 0, is_link = found && S_ISLNK(st.st_mode);
	unsigned depth = 0;

	*ret_may_be_gone = is_pattern(written) && !is_link;
	if (is_link)
		found = stat(path, &st) == 0;
	/* opening it says what is wrong */
	if (!found || S_ISDIR(st.st_mode))
		return 0;
	if (!S_ISREG(st.st_mode))
		return parser_refuse(p, path, "expected a file, and not a device, a socket or a FIFO");
	for (const struct parser *reading = p; reading != NULL; reading = reading->from, depth++)
		if (stat(reading->origin, &other) == 0 && st.st_dev == other.st_dev && st.st_ino == other.st_ino)
			return parser_refuse(p, path, "the file would include itself");
	if (depth > INCLUDE_DEPTH)
		return parser_refuse(p, path, "files include each other more than 8 deep");
	return 0;
}
