/* Whose doing it is that an operation on a connection failed. */
#ifndef USHER_FAULT_H
#define USHER_FAULT_H

#include <errno.h>
#include <stdbool.h>

/* Whether ERROR, an errno of an operation on a connection, is the peer's or the network's doing; all else is this system's. */
static inline bool
fault_of_peer(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
	case ECONNABORTED:
	case ECONNREFUSED:
	case ENOTCONN:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case ENONET:
	case ENOPROTOOPT:
	case EPROTO:
		return true;
	default:
		return false;
	}
}

#endif
