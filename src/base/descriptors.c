#include "config.h"

#include "base/descriptors.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int
descriptors_close_from(int first)
{
	struct rlimit limit;

	/* the kernel's name; glibc 2.31 has no SYS_close_range */
	if (syscall(__NR_close_range, first, ~0U, 0) == 0)
		return 0;
	/* a kernel before 5.9 */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	for (int fd = first; fd < (int)(limit.rlim_cur < 65536 ? limit.rlim_cur : 65536); fd++)
		close(fd);
	return 0;
}
