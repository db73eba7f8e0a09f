/* Protocols whose first bytes are fixed but for a few holes.  What stands in the holes needs no more than a line of looking. */
#include "probes.h"

/* Length, then forward request (02) or CPing (0A), which is that byte alone. */
enum verdict
probe_ajp(struct span in, struct reading *r)
{
	(void)r;
	return probe_best(probe_signature(in, "12 34 00-20 ?? 02"), probe_signature(in, "12 34 00 01 0a"));
}

/* CNXN from host to daemon: six words, the last being the first inverted.  Or a line for the server: 4 hexadecimal digits, host. */
enum verdict
probe_adb(struct span in, struct reading *r)
{
	enum verdict line;

	(void)r;
	for (size_t i = 0; i < 4 && i < in.length; i++)
		if (!(in.bytes[i] >= '0' && in.bytes[i] <= '9') && !((in.bytes[i] | 0x20) >= 'a' && (in.bytes[i] | 0x20) <= 'f'))
			return probe_signature(in, "43 4e 58 4e ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? ?? bc b1 a7 b1");
	line = probe_signature(in, "?? ?? ?? ?? 68 6f 73 74 2d-3a");
	return line == PROBE_YES && in.bytes[8] != '-' && in.bytes[8] != ':' ? PROBE_NO : line;
}

/* 16 bytes FF, length of an OPEN message (29 to 4096), type 1. */
enum verdict
probe_bgp(struct span in, struct reading *r)
{
	(void)r;
	if (in.length >= 18 && (in.bytes[16] << 8 | in.bytes[17]) < 29)
		return PROBE_NO;
	return probe_signature(in, "ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff 00-0f ?? 01");
}

/* The magic number of mainnet, testnet3, testnet4, signet or regtest, then the command, padded with NUL. */
enum verdict
probe_bitcoin(struct span in, struct reading *r)
{
	static const char *const magics[] = { "f9 be b4 d9", "0b 11 09 07", "1c 16 3f 28", "0a 03 cf 40", "fa bf b5 da" };
	enum verdict verdict = PROBE_NO;

	(void)r;
	for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
		verdict = probe_best(verdict, probe_signature(in, magics[i]));
	return verdict == PROBE_YES ? probe_literal(span_slice(in, 4, in.length), "version\0\0\0\0", 12) : verdict;
}

/* A bind: version 5.0 or 5.1, type 11, any flags, data representation little- or big-endian. */
enum verdict
probe_dcerpc(struct span in, struct reading *r)
{
	(void)r;
	return probe_best(probe_signature(in, "05 00-01 0b ?? 10 00 00 00"), probe_signature(in, "05 00-01 0b ?? 00 00 00 00"));
}

/* NUL, which may come alone, then AUTH. */
enum verdict
probe_dbus(struct span in, struct reading *r)
{
	(void)r;
	return probe_signature(in, "00 41 55 54 48");
}

/* A-ASSOCIATE-RQ: type 1, 00, a length of four bytes, version 1, 00 00. */
enum verdict
probe_dicom(struct span in, struct reading *r)
{
	(void)r;
	return probe_signature(in, "01 00 00 00 ?? ?? 00 01 00 00");
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

/* \0REQ and the number of a request. */
enum verdict
probe_gearman(struct span in, struct reading *r)
{
	(void)r;
	return probe_signature(in, "00 52 45 51 00 00 00 01-2a");
}

/* GIOP 1.x, request (0) or another message that a client may send. */
enum verdict
probe_giop(struct span in, struct reading *r)
{
	(void)r;
	return probe_signature(in, "47 49 4f 50 01 00-03 ?? 00-07");
}

/* An initial segment: TSH and a space, C or M. */
enum verdict
probe_ibmmq(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "54 53 48 20-4d");

	(void)r;
	return verdict == PROBE_YES && strchr(" CM", in.bytes[3]) == NULL ? PROBE_NO : verdict;
}

/* STARTDT act or TESTFR act. */
enum verdict
probe_iec104(struct span in, struct reading *r)
{
	(void)r;
	return probe_best(probe_signature(in, "68 04 07 00 00 00"), probe_signature(in, "68 04 43 00 00 00"));
}

/* A login request (03, immediate: 43) of which the first key is the initiator's name, as all initiators have it. */
enum verdict
probe_iscsi(struct span in, struct reading *r)
{
	enum verdict later = probe_signature(in, "03 ?? 00 00 00 00 ?? ??");
	enum verdict verdict = probe_best(later, probe_signature(in, "43 ?? 00 00 00 00 ?? ??"));

	if (verdict != PROBE_YES)
		return verdict;
	r->want = 49;
	return in.length < 49 ? PROBE_MORE : probe_literal(span_slice(in, 48, in.length), "InitiatorName=", 14);
}

/* JRMI, version 1 or 2, stream, single-operation or multiplex protocol. */
enum verdict
probe_rmi(struct span in, struct reading *r)
{
	(void)r;
	return probe_signature(in, "4a 52 4d 49 00 01-02 4b-4d");
}

/* Transaction, protocol 0, length, unit, and a function that has such a length: 1 to 6 have 6; 7, 11, 12 and 17 have 2. */
enum verdict
probe_modbus(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "?? ?? 00 00 00 02-fe ?? 01-2b");
	unsigned length, function;

	(void)r;
	if (verdict != PROBE_YES)
		return verdict;
	length = in.bytes[5];
	function = in.bytes[7];
	if (function == 7 || function == 11 || function == 12 || function == 17)
		return length == 2 ? PROBE_YES : PROBE_NO;
	return function <= 6 ? (length == 6 ? PROBE_YES : PROBE_NO) : length >= 4 ? PROBE_YES : PROBE_NO;
}

/* Length (below 64 KiB, for the first message is a greeting), request, response to none, OP_QUERY, OP_COMPRESSED or OP_MSG. */
enum verdict
probe_mongodb(struct span in, struct reading *r)
{
	enum verdict verdict = probe_signature(in, "?? ?? 00 00 ?? ?? ?? ?? 00 00 00 00 d4-dd 07 00 00");

	(void)r;
	if (in.length >= 2 && (in.bytes[1] << 8 | in.bytes[0]) < 26)
		return PROBE_NO;
	if (in.length >= 13 && in.bytes[12] != 0xd4 && in.bytes[12] != 0xdc && in.bytes[12] != 0xdd)
		return PROBE_NO;
	return verdict;
}

/* HEL, F, a length of no more than a URL of 4096 bytes makes. */
enum verdict
probe_opcua(struct span in, struct reading *r)
{
	(void)r;
	return probe_signature(in, "48 45 4c 46 ?? 00-10 00 00");
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

/* C0, then the start of C1: a time, and zeros or the version of the Flash player that the client stands in for (9 to 32). */
enum verdict
probe_rtmp(struct span in, struct reading *r)
{
	(void)r;
	return probe_best(probe_signature(in, "03 ?? ?? ?? ?? 00 00 00 00"),
	    probe_signature(in, "03 ?? ?? ?? ?? 09-20 00 ?? 00-0f"));
}

/* NetBIOS session message, below 64 KiB, with SMB 1 or 2 in it; or a session request with two encoded names. */
enum verdict
probe_smb(struct span in, struct reading *r)
{
	(void)r;
	return probe_best(probe_signature(in, "00 00 ?? ?? fe-ff 53 4d 42"), probe_signature(in, "81 00 00 44 20"));
}

/* A binding or allocate request, a length that is a multiple of four, the magic cookie. */
enum verdict
probe_stun(struct span in, struct reading *r)
{
	(void)r;
	if (in.length >= 4 && (in.bytes[3] & 3) != 0)
		return PROBE_NO;
	return probe_best(probe_signature(in, "00 01 00-10 ?? 21 12 a4 42"), probe_signature(in, "00 03 00-10 ?? 21 12 a4 42"));
}

/* Version 12.0 or 12.1, authentication, authorization or accounting, the first of its session, flags, session, length. */
enum verdict
probe_tacacs(struct span in, struct reading *r)
{
	(void)r;
	if (in.length >= 4 && (in.bytes[3] & ~5) != 0)
		return PROBE_NO;
	return probe_signature(in, "c0-c1 01-03 01 00-05 ?? ?? ?? ?? 00 00 ?? ??");
}

/* Pre-login or TDS 7 login, alone in its message; or the login of TDS 4 and 5, of which the first packet has 512 bytes. */
enum verdict
probe_tds(struct span in, struct reading *r)
{
	enum verdict prelogin = probe_signature(in, "12 01 00-10 ?? 00 00 00-01 00");
	enum verdict login = probe_signature(in, "10 00-01 00-10 ?? 00 00 00-01 00");
	enum verdict sybase = probe_signature(in, "02 00 02 00 00 00 00-01 00");

	(void)r;
	return probe_best(prelogin, probe_best(login, sybase));
}

/* IAC, then WILL, DO, DONT, WONT or a subnegotiation, of an assigned option. */
enum verdict
probe_telnet(struct span in, struct reading *r)
{
	(void)r;
	return probe_signature(in, "ff fa-fe 00-31");
}

/* A connect packet: length, no checksum, type 1, flags, no checksum, a version between 300 and 511. */
enum verdict
probe_tns(struct span in, struct reading *r)
{
	(void)r;
	if (in.length >= 2 && (in.bytes[0] << 8 | in.bytes[1]) < 34)
		return PROBE_NO;
	return probe_signature(in, "00-1f ?? 00 00 01 ?? 00 00 01 2c-ff");
}

/* Byte order, version 11.0. */
enum verdict
probe_x11(struct span in, struct reading *r)
{
	(void)r;
	return probe_best(probe_signature(in, "6c ?? 0b 00 00 00"), probe_signature(in, "42 ?? 00 0b 00 00"));
}

/* ZBXD and flags: always 1, compression 2, large packet 4. */
enum verdict
probe_zabbix(struct span in, struct reading *r)
{
	(void)r;
	return probe_signature(in, "5a 42 58 44 01-07");
}
