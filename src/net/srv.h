/* DNS SRV records: where a service is, RFC 2782. */
#ifndef USHER_SRV_H
#define USHER_SRV_H

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>

/* More of them are not looked at. */
#define SRV_MAX 32

struct srv_record {
	uint16_t priority, weight, port;
	char target[NI_MAXHOST];
};

/*
 * Take the SRV records of an answer, LENGTH bytes of MESSAGE.  A target that is the root says that there is no such service, and is
 * left out.  Returns how many there are, or -EBADMSG where the message is none.
 */
int srv_parse(const uint8_t *message, size_t length, struct srv_record ret[SRV_MAX]);

/*
 * Put RECORDS in the order in which to try them: the lowest priority first, and of one priority each as first as often as its
 * weight says.  RANDOM returns a number from 0 to below LIMIT, each as likely.
 */
void srv_order(struct srv_record *records, size_t count, uint32_t (*random)(uint32_t limit));

/*
 * Ask for the SRV records of NAME by the C library's resolver, which has no time limit of ours, and put them in order.  Returns how
 * many there are, or a negative error of getaddrinfo(3), such as EAI_NONAME.
 */
int srv_ask(const char *name, struct srv_record ret[SRV_MAX]);

#endif
