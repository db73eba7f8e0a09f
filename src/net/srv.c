#include "config.h"

#include "net/srv.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "base/span.h"

#define ANSWER_MAX 4096
#define HEADER 12

/* Pass over a name.  Its length is what the library says, which knows where it may be compressed. */
static bool
skip_name(struct span *rest)
{
	int length = dn_skipname(rest->bytes, rest->bytes + rest->length);

	return length > 0 && span_skip(rest, (size_t)length);
}

/* The value of an SRV record, in MESSAGE.  Returns whether it is whole. */
static bool
take_value(struct span message, struct span value, struct srv_record *ret)
{
	return span_be16(&value, &ret->priority) && span_be16(&value, &ret->weight) && span_be16(&value, &ret->port) &&
	    value.length > 0 &&
	    dn_expand(message.bytes, message.bytes + message.length, value.bytes, ret->target, sizeof ret->target) > 0;
}

int
srv_parse(const uint8_t *message, size_t length, struct srv_record ret[SRV_MAX])
{
	struct span whole = span_of(message, length), rest = whole, value;
	uint16_t questions, answers, type, class, size;
	int count = 0;

	if (!span_skip(&rest, 4) || !span_be16(&rest, &questions) || !span_be16(&rest, &answers) || !span_skip(&rest, HEADER - 8))
		return -EBADMSG;
	for (; questions > 0; questions--)
		if (!skip_name(&rest) || !span_skip(&rest, 4))
			return -EBADMSG;
	for (; answers > 0; answers--) {
		/* the name, its type and class, for how long it is good, and the value */
		if (!skip_name(&rest) || !span_be16(&rest, &type) || !span_be16(&rest, &class) || !span_skip(&rest, 4) ||
		    !span_be16(&rest, &size) || !span_take(&rest, size, &value))
			return -EBADMSG;
		if (type != ns_t_srv || class != ns_c_in || count == SRV_MAX)
			continue;
		if (!take_value(whole, value, &ret[count]))
			return -EBADMSG;
		count += ret[count].target[0] != '\0' && strcmp(ret[count].target, ".") != 0;
	}
	return count;
}

/* Move the record at FROM to TO, which is before it, and what is between them one further. */
static void
move_up(struct srv_record *records, size_t to, size_t from)
{
	struct srv_record moved = records[from];

	memmove(&records[to + 1], &records[to], (from - to) * sizeof *records);
	records[to] = moved;
}

void
srv_order(struct srv_record *records, size_t count, uint32_t (*random)(uint32_t limit))
{
	for (size_t at = 0; at < count; at++) {
		uint16_t priority = records[at].priority;
		uint32_t sum = 0, chosen;
		size_t i;

		for (i = at; i < count; i++)
			if (records[i].priority < priority)
				priority = records[i].priority;
		for (i = at; i < count; i++)
			if (records[i].priority == priority)
				sum += records[i].weight;
		/* one of no weight is chosen where all others have been */
		chosen = sum > 0 ? random(sum) : 0;
		for (i = at; i < count; i++) {
			if (records[i].priority != priority)
				continue;
			if (sum == 0 || chosen < records[i].weight)
				break;
			chosen -= records[i].weight;
		}
		move_up(records, at, i);
	}
}

/* Of the system, or 0 where it has none yet. */
static uint32_t
system_random(uint32_t limit)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof n, GRND_NONBLOCK) != (ssize_t)sizeof n)
		n = 0;
	return (uint32_t)(n % limit);
}

int
srv_ask(const char *name, struct srv_record ret[SRV_MAX])
{
	uint8_t answer[ANSWER_MAX];
	int length = res_query(name, ns_c_in, ns_t_srv, answer, sizeof answer), count;

	if (length < 0)
		return h_errno == TRY_AGAIN ? EAI_AGAIN : EAI_NONAME;
	count = srv_parse(answer, length < ANSWER_MAX ? (size_t)length : ANSWER_MAX, ret);
	if (count <= 0)
		return count < 0 ? EAI_FAIL : EAI_NONAME;
	srv_order(ret, (size_t)count, system_random);
	return count;
}
