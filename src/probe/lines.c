/* Text protocols that their first word tells. */
#include "probe/probes.h"

enum verdict
probe_beanstalkd(struct span in, struct reading *r)
{
	static const char *const words[] = { "put ", "use ", "watch ", "ignore ", "reserve\r", "reserve-with-timeout ",
	    "reserve-job ", "delete ", "release ", "bury ", "touch ", "peek ", "peek-ready\r", "peek-delayed\r", "peek-buried\r",
	    "kick ", "kick-job ", "stats\r", "stats-job ", "stats-tube ", "list-tubes\r", "list-tube-used\r",
	    "list-tubes-watched\r", "pause-tube ", "quit\r", NULL };

	(void)r;
	return text_any(in, words);
}

/* "USER joe 0 * :Joe": user, mode, unused and a name (RFC 2812, section 3.1.3).  FTP and POP3 have one word here. */
static enum verdict
irc_user(struct span in)
{
	enum verdict verdict = probe_literal(in, "USER ", 5);
	unsigned words = 0;
	size_t i;

	for (i = 5; verdict == PROBE_YES && i < in.length && i < 512; i++) {
		if (in.bytes[i] == '\r' || in.bytes[i] == '\n')
			return PROBE_NO;
		words += in.bytes[i] != ' ' && in.bytes[i - 1] == ' ';
		if (words == 4)
			return PROBE_YES;
	}
	return verdict != PROBE_YES ? verdict : i == 512 ? PROBE_NO : PROBE_MORE;
}

/* Clients register with these; FTP and POP3 have PASS as well, but neither first. */
enum verdict
probe_irc(struct span in, struct reading *r)
{
	static const char *const words[] = { "CAP LS", "CAP REQ", "CAP END", "NICK ", "PASS ", NULL };

	(void)r;
	return probe_best(text_any(in, words), irc_user(in));
}

enum verdict
probe_stomp(struct span in, struct reading *r)
{
	static const char *const words[] = { "CONNECT\n", "CONNECT\r\n", "STOMP\n", "STOMP\r\n", NULL };

	(void)r;
	return text_any(in, words);
}

/* Four letters for the administrator (not those that begin a command of memcached), or a session: length, version 0. */
enum verdict
probe_zookeeper(struct span in, struct reading *r)
{
	static const char *const words[] = { "conf", "envi", "isro", "mntr", "ruok", "srvr", "wchs", NULL };

	(void)r;
	return probe_best(text_any(in, words), probe_signature(in, "00 00 00 2c-2d 00 00 00 00"));
}

/* A priority from 0 to 191 in angle brackets. */
static enum verdict
priority(struct span in)
{
	size_t n;
	unsigned value;
	enum verdict verdict = probe_literal(in, "<", 1);

	if (verdict != PROBE_YES)
		return verdict;
	in = span_slice(in, 1, in.length);
	verdict = text_number(in, 10, 3, &n, &value);
	if (value > 191 || (n > 1 && in.bytes[0] == '0'))
		return PROBE_NO;
	return verdict != PROBE_YES ? verdict : probe_literal(span_slice(in, n, in.length), ">", 1);
}

/* <PRI>, or a length before it: "62 <34>1 2026-...". */
enum verdict
probe_syslog(struct span in, struct reading *r)
{
	size_t n;
	unsigned value;
	enum verdict verdict;

	(void)r;
	if (!text_is_digit(in.bytes[0]))
		return priority(in);
	if (in.bytes[0] == '0')
		return PROBE_NO;
	verdict = text_number(in, 10, 6, &n, &value);
	if (verdict == PROBE_YES)
		verdict = probe_literal(span_slice(in, n, in.length), " ", 1);
	return verdict != PROBE_YES || in.length == n + 1 ? (verdict == PROBE_NO ? PROBE_NO : PROBE_MORE) :
	    priority(span_slice(in, n + 1, in.length));
}

/* "0 NAME 17.7\n", or "0 ?KEY 17.7\n" with an invitation: request 0, who, version. */
enum verdict
probe_tinc(struct span in, struct reading *r)
{
	enum verdict verdict = probe_literal(in, "0 ", 2);
	size_t i;

	(void)r;
	if (verdict != PROBE_YES)
		return verdict;
	i = span_at(in, 2) == '?' ? 3 : 2;
	in = span_slice(in, i, in.length);
	for (i = 0; i < in.length && i < 255; i++)
		if (in.bytes[i] <= ' ' || (!text_is_alpha(in.bytes[i]) && !text_is_digit(in.bytes[i]) &&
		    strchr("_-+/", in.bytes[i]) == NULL))
			break;
	if (i == in.length)
		return PROBE_MORE;
	verdict = i == 0 ? PROBE_NO : probe_literal(span_slice(in, i, in.length), " 17", 3);
	if (verdict != PROBE_YES || in.length == i + 3)
		return verdict == PROBE_NO ? PROBE_NO : PROBE_MORE;
	return in.bytes[i + 3] == '.' || in.bytes[i + 3] == '\n' ? PROBE_YES : PROBE_NO;
}
