"""A client of a daemon in plain Python: docs/protocol.md as a program.

    client.py ADDRESS    calls the functions of support/daemon_scene.hpp; exits with 0 if all answers are right
"""
import os
import socket
import struct
import sys

VALUE, EXCEPTION, END, ACKNOWLEDGE, CALL, HELLO, VALUES, CONTROL = 1, 2, 3, 4, 5, 6, 8, 10
OPEN, OPENED, CANCEL, PING, PONG, STOP = 1, 2, 3, 4, 5, 6


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


INT, TEXT = (256, 4), (2, 269, 268)


def fingerprint(result, *parameters):
    inner = [word for p in parameters for word in p]
    return fnv(b"".join(struct.pack("<Q", w) for w in [12, *result, 12, *inner, 268, 268]))


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def frame(kind, number=0, payload=b"", flags=0):
    return struct.pack("<QQ", len(payload) | kind << 48 | flags << 56, number) + payload


class Failure(Exception):
    pass


class Connection:
    def __init__(self, path, token=bytes(16)):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.bytes, self.last, self.answers = b"", 0, {}
        hello = struct.pack("<IIIBBQQ", 0x78637270, 2, 2, 8, 1, 0, 1 << 20) + string("client.py") + string("1")
        self.socket.sendall(frame(HELLO, 0, hello) + frame(CONTROL, 0, token, OPEN))
        kind, _, _, payload = self.next_frame()
        assert kind == HELLO and payload[:4] == b"prcx"
        kind, flags, _, payload = self.next_frame()
        assert kind == CONTROL and flags == OPENED
        self.calls, self.most_bytes, self.kept_for, self.resumed, self.pid = struct.unpack_from("<IQI?q", payload)

    def read(self, count):
        while len(self.bytes) < count:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.bytes += more
        data, self.bytes = self.bytes[:count], self.bytes[count:]
        return data

    def next_frame(self):
        head, number = struct.unpack("<QQ", self.read(16))
        return head >> 48 & 0xFF, head >> 56, number, self.read(head & (1 << 48) - 1)

    def begin(self, name, signature, text, arguments, number=None):
        self.last = number or self.last + 1
        head = struct.pack("<QQ", fnv(name.encode()), fingerprint(*signature))
        self.socket.sendall(frame(CALL, self.last, head + string(name) + string(text) + arguments))
        return self.last

    def answer(self, number):
        """The bytes of the result. Raises Failure, with the flags and the payload of the exception frame."""
        while number not in self.answers:
            kind, flags, which, payload = self.next_frame()
            if kind == VALUE:
                self.answers[which] = payload
            elif kind == VALUES:
                first, count = which & (1 << 48) - 1, (which >> 48) + 1
                size = len(payload) // count
                for i in range(count):
                    self.answers[first + i] = payload[i * size : (i + 1) * size]
            elif kind == EXCEPTION:
                self.answers[which] = Failure(flags, payload)
            elif kind == CONTROL and flags == PING:
                self.socket.sendall(frame(CONTROL, which, b"", PONG))
            elif kind == CONTROL and flags == PONG:
                self.answers["pong"] = which
            else:
                raise ValueError("a frame that makes no sense here")
        answer = self.answers.pop(number)
        if isinstance(answer, Failure):
            raise answer
        return answer

    def square(self, n):
        return self.begin("square", (INT, INT), "int (int)", struct.pack("<i", n))

    def failure(self, number):
        try:
            self.answer(number)
        except Failure as f:
            return f.args
        return None


def main(path):
    c = Connection(path)
    assert c.calls > 0 and c.kept_for == 0 and not c.resumed and c.pid > 0
    assert c.answer(c.square(8)) == struct.pack("<i", 64)
    doubled = c.begin("doubled", (TEXT, TEXT), "std::string (std::string)", string("ab"))
    assert c.answer(doubled) == string("abab")

    numbers = [c.square(n) for n in range(100, 1100)]
    assert [struct.unpack("<i", c.answer(n))[0] for n in numbers] == [n * n for n in range(100, 1100)]

    flags, payload = c.failure(c.square(-1))
    assert flags == 0 and payload.startswith(string("std::domain_error") + string("negative"))
    flags, payload = c.failure(c.square(13))
    assert flags == 4 and struct.unpack_from("<qBi", payload)[1:] == (2, 6)  # killed by SIGABRT, maybe with a core dump
    flags, payload = c.failure(c.begin("nobody", (INT,), "int ()", b""))
    assert flags == 8 and struct.unpack_from("<i", payload)[0] == 14
    flags, payload = c.failure(c.begin("square", (INT, TEXT), "int (std::string)", string("8")))
    assert flags == 8 and struct.unpack_from("<i", payload)[0] == 13

    c.socket.sendall(frame(CONTROL, 99, b"", PING))
    assert c.answer("pong") == 99
    c.socket.sendall(frame(END))
    assert c.socket.recv(1) == b""

    # A connection that breaks: the call gets its first answer.
    token = os.urandom(16)
    c = Connection(path, token)
    assert c.kept_for > 0 and not c.resumed
    c.square(9)
    c.socket.close()
    c = Connection(path, token)
    assert c.resumed
    again = c.begin("square", (INT, INT), "int (int)", struct.pack("<i", 9), number=1)
    assert c.answer(again) == struct.pack("<i", 81)
    c.socket.sendall(frame(ACKNOWLEDGE, 1))
    flags, payload = c.failure(c.begin("square", (INT, INT), "int (int)", struct.pack("<i", 9), number=1))
    assert flags == 8 and struct.unpack_from("<i", payload)[0] == 2


main(sys.argv[1])
