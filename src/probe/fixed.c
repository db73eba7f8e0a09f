/* Protocols whose first bytes are fixed but for a few holes, and what stands in the holes. */
#include "probe/probes.h"

/* CNXN from host to daemon: six words, the last being the first inverted.  Or a line for the server: 4 hexadecimal digits, host. */
enum verdict
probe_adb(struct span in, struct reading *r)
{
	(void)r;
	for (size_t i = 0; i < 4 && i < in.length; i++)
		if (!(in.bytes[i] >= '0' && in.bytes[i] <= '9') && !((in.bytes[i] | 0x20) >= 'a' && (in.bytes[i] | 0x20) <= 'f'))
			return probe_signature(in, "43 4e 58 4e ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? bc b1 a7 b1");
	return probe_signature(in, "?? ?? ?? ?? 68 6f 73 74 2d | ?? ?? ?? ?? 68 6f 73 74 3a");
}

/* Behind the network's magic number: the command, padded with NUL. */
enum verdict
probe_bitcoin(struct span in, struct reading *r)
{
	(void)r;
	return probe_literal(span_slice(in, 4, in.length), "version\0\0\0\0", 12);
}

/* Version 1, a length that is a multiple of four, a request (80), Capabilities-Exchange (257). */
enum verdict
probe_diameter(struct span in, struct reading *r)
{
	(void)r;
	if (in.length >= 4 && (in.bytes[3] & 3) != 0)
		return PROBE_NO;
	return probe_signature(in, "01 00 ?? ?? 80-ff 00 01 01");
}

/* DDM: length, D0, a request, correlator, the length again less 6, EXCSAT (1041). */
enum verdict
probe_drda(struct span in, struct reading *r)
{
	(void)r;
	if (in.length >= 8 && (in.bytes[0] << 8 | in.bytes[1]) != (in.bytes[6] << 8 | in.bytes[7]) + 6)
		return PROBE_NO;
	return probe_signature(in, "?? ?? d0 01-51 ?? ?? ?? ?? 10 41");
}

/* The status at 14: bit 1 is an answer, bit 2 an error; 4, compressed, and 8, the handshake, are left. */
enum verdict
probe_elastic(struct span in, struct reading *r)
{
	(void)r;
	return (in.bytes[14] & 3) != 0 ? PROBE_NO : PROBE_YES;
}

/* A login request of which the first key is the initiator's name, as all initiators have it. */
enum verdict
probe_iscsi(struct span in, struct reading *r)
{
	r->want = 49;
	return in.length < 49 ? PROBE_MORE : probe_literal(span_slice(in, 48, in.length), "InitiatorName=", 14);
}

/* A function has such a length: 1 to 6 have 6; 7, 11, 12 and 17 have 2; UMAS (5A) has a session and a function of its own. */
enum verdict
probe_modbus(struct span in, struct reading *r)
{
	unsigned length = in.bytes[5], function = in.bytes[7];

	(void)r;
	if (function == 7 || function == 11 || function == 12 || function == 17)
		return length == 2 ? PROBE_YES : PROBE_NO;
	return function <= 6 ? (length == 6 ? PROBE_YES : PROBE_NO) : length >= 4 ? PROBE_YES : PROBE_NO;
}

/*
 * Length (below 64 KiB, for the first message is a greeting), request, response to none (0 or -1), OP_QUERY, OP_COMPRESSED or
 * OP_MSG.
 */
enum verdict
probe_mongodb(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in,
	    "?? ?? 00 00 ?? ?? ?? ?? 00 00 00 00 d4-dd 07 00 00 | ?? ?? 00 00 ?? ?? ?? ?? ff ff ff ff d4-dd 07 00 00");

	(void)r;
	if (in.length >= 2 && (in.bytes[1] << 8 | in.bytes[0]) < 26)
		return PROBE_NO;
	if (in.length >= 13 && in.bytes[12] != 0xd4 && in.bytes[12] != 0xdc && in.bytes[12] != 0xdd)
		return PROBE_NO;
	return verdict;
}

/* Tversion: size, 100, tag FFFF, largest message, and the version, 9P2000 or 9P2000.L or such, that ends the message. */
enum verdict
probe_9p(struct span in, struct reading *r)
{
	(void)r;
	if (in.length >= 12 && in.bytes[0] != 13 + in.bytes[11])
		return PROBE_NO;
	return probe_signature(in, "13-20 00 00 00 64 ff ff ?? ?? ?? ?? 06-13 00 39 50 32 30 30 30");
}

/* A binding or allocate request, a length that is a multiple of four, the magic cookie. */
static enum verdict
stun_message(struct span in)
{
	if (in.length >= 4 && (in.bytes[3] & 3) != 0)
		return PROBE_NO;
	return probe_signature(in, "00 01 00-10 ?? 21 12 a4 42 | 00 03 00-10 ?? 21 12 a4 42");
}

/* ICE over TCP puts the length of the message before it, header and all. */
enum verdict
probe_stun(struct span in, struct reading *r)
{
	enum verdict framed = probe_signature(in, "00-10 ?? 00");

	(void)r;
	if (in.length >= 6 && (in.bytes[0] << 8 | in.bytes[1]) != (in.bytes[4] << 8 | in.bytes[5]) + 20)
		framed = PROBE_NO;
	if (framed == PROBE_YES)
		framed = in.length == 3 ? PROBE_MORE : stun_message(span_slice(in, 2, in.length));
	return probe_best(stun_message(in), framed);
}
