#include "config.h"

#include "listen/children.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

int
children_open(struct children *c, size_t max)
{
	size_t pids = max * sizeof *c->pids, sources = max * sizeof *c->sources;
	char *memory;

	if (max > SIZE_MAX / (sizeof *c->pids + sizeof *c->sources))
		return -ENOMEM;
	memory = mmap(NULL, sources + pids, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	/* children have no use for it, and would be given copies of the pages that are written here */
	madvise(memory, sources + pids, MADV_DONTFORK);
	*c = (struct children){ .max = max, .sources = (void *)memory, .pids = (void *)(memory + sources) };
	return 0;
}

struct source
children_source(const struct address *peer, unsigned prefix)
{
	struct source s = { { 0 } };

	if (!address_is_ip(peer))
		return s;
	if (peer->sa.sa_family == AF_INET) {
		memset(s.bytes + 10, 0xff, 2);
		memcpy(s.bytes + 12, &peer->in.sin_addr, 4);
		return s;
	}
	memcpy(s.bytes, &peer->in6.sin6_addr, prefix / 8);
	if (prefix % 8 != 0)
		s.bytes[prefix / 8] = (unsigned char)(peer->in6.sin6_addr.s6_addr[prefix / 8] & 0xff00 >> prefix % 8);
	return s;
}

size_t
children_of(const struct children *c, const struct source *source)
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		n += memcmp(&c->sources[i], source, sizeof *source) == 0;
	return n;
}

void
children_add(struct children *c, pid_t pid, const struct source *source)
{
	c->pids[c->count] = pid;
	c->sources[c->count++] = *source;
}

size_t
children_find(const struct children *c, pid_t pid)
{
	for (size_t i = c->count; i > 0; i--)
		if (c->pids[i - 1] == pid)
			return i - 1;
	return c->count;
}

void
children_remove(struct children *c, pid_t pid)
{
	size_t i = children_find(c, pid);

	if (i == c->count)
		return;
	c->count--;
	c->pids[i] = c->pids[c->count];
	c->sources[i] = c->sources[c->count];
}
