"""What a user with two threads costs at least: a socket, a 101, a reader and a writer, no more.

A text of fewer than 64 KiB goes to everybody, so that one can tell who is in.
"""

import base64
import ctypes
import hashlib
import queue
import socket
import struct
import sys
import threading

PR_FUTEX_HASH, SET_SLOTS = 78, 1  # include/uapi/linux/prctl.h
SLOTS = 16384

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT = 0x81

queues = set()


def read(line, lines):
    """One user's reader: the handshake, then what it says."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += line.recv(4096)
    key = head.lower().index(b"sec-websocket-key:") + len(b"sec-websocket-key:")
    key = head[key:].split(b"\r\n")[0].strip()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    line.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept
    )
    out = queue.SimpleQueue()
    lines.add(out)
    threading.Thread(target=write, args=(line, out), daemon=True).start()
    stream = line.makefile("rb")
    while len(start := stream.read(2)) == 2:
        size = start[1] & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", stream.read(2))
        mask = stream.read(4) * (size // 4 + 1)
        data = stream.read(size)
        if start[0] == TEXT:
            said = bytes(a ^ b for a, b in zip(data, mask, strict=False))
            frame = bytes((TEXT, size)) if size < 126 else struct.pack("!BBH", TEXT, 126, size)
            for other in lines.copy():
                other.put(frame + said)
    lines.discard(out)
    out.put(b"")
    line.close()


def write(line, out):
    """One user's writer."""
    while frame := out.get():
        line.sendall(frame)


def main():
    """Let everybody in; as in the chat room, each thread finds the one it wakes at once."""
    ctypes.CDLL(None).prctl(PR_FUTEX_HASH, SET_SLOTS, SLOTS, 0, 0)
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096) as door:
        while True:
            line, _ = door.accept()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=read, args=(line, queues), daemon=True).start()


main()
