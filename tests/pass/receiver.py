#!/usr/bin/env python3
"""A program that is passed connections by usher's `pass unix:PATH', and answers each.

    receiver.py PATH

The first message on a connection to PATH carries the client's connection as a descriptor and, as bytes, one line of key=value pairs,
which ends in a newline; values with spaces and the like are quoted, as in usher's log.  Nothing has been read from the client: what
usher has peeked at is still to be received.
"""
import array
import os
import shlex
import socket
import sys


def receive(sender):
    """The client's connection, and what is known of it, by name, the values of each in a list."""
    line, ancillary, _, _ = sender.recvmsg(4096, socket.CMSG_SPACE(4))
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[:4])
    client = socket.socket(fileno=descriptors[0])
    while not line.endswith(b"\n"):
        more = sender.recv(4096)
        if not more:
            raise EOFError("no newline")
        line += more
    known = {}
    for pair in shlex.split(line.decode("ascii")):
        key, _, value = pair.partition("=")
        known.setdefault(key, []).append(value)
    return client, known


def main():
    path = sys.argv[1]
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    listener.listen(128)
    while True:
        sender, _ = listener.accept()
        with sender:
            client, known = receive(sender)
        with client:
            client.settimeout(10)
            peeked = client.recv(int(known["peeked"][0])) if known["peeked"] != ["0"] else b""
            answer = f"{known['protocol'][0]} from {known['client'][0]}: {len(peeked)} bytes, {known.get('host', ['no host'])[0]}\n"
            client.sendall(answer.encode())


main()
