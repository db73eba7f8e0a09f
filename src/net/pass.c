#include "config.h"

#include "net/pass.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int
pass_descriptor(int to, int fd, const char *header, size_t length)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { (void *)(uintptr_t)header, length };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	while (data.iov_len > 0) {
		ssize_t n = sendmsg(to, &m, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n < 0)
			continue;
		data.iov_base = (char *)data.iov_base + n;
		data.iov_len -= (size_t)n;
		/* once is enough */
		m.msg_control = NULL;
		m.msg_controllen = 0;
	}
	return 0;
}
