"""A keep-alive HTTP/1.1 client that checks every answer, so that nothing is measured but right ones."""

import socket
import time


class WrongAnswer(Exception):
    pass


class Expect:
    """What a right answer looks like: status and, when given, the body or the Location header."""

    def __init__(self, status, body=None, location=None):
        self.status, self.body, self.location = status, body, location

    def check(self, status, headers, body, asked):
        if (
            status != self.status
            or (self.body is not None and body != self.body)
            or (self.location is not None and headers.get(b"location") != self.location)
        ):
            answer = f"status {status}, headers {headers}, body {body[:200]!r}"
            raise WrongAnswer(f"{asked}: {answer}; expected {vars(self)}")


class Connection:
    def __init__(self, port, timeout=60):
        self.port, self.timeout = port, timeout
        self.open()

    def open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def reopen_if_closed(self):
        """Connects again when the server has closed the connection after its last answer, as browsers do."""
        self.socket.setblocking(False)
        try:
            closed = self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            closed = False
        except ConnectionResetError:
            closed = True
        self.socket.settimeout(self.timeout)
        if closed:
            self.close()
            self.open()

    def get(self, host, path):
        """Returns (status, headers, body) of one GET; the connection stays open."""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed before an answer")
        status = int(line.split()[1])
        headers = {}
        while (line := self.file.readline().rstrip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if headers.get(b"transfer-encoding") == b"chunked":
            body = b""
            while size := int(self.file.readline(), 16):
                body += self.file.read(size)
                self.file.readline()
            self.file.readline()
        else:
            body = self.file.read(int(headers.get(b"content-length", 0)))
        return status, headers, body

    def get_checked(self, host, path, expect):
        expect.check(*self.get(host, path), f"http://{host}{path}")


def wait_for(port, host, path, expect, alive, timeout, meanwhile=lambda: None):
    """Asks with new connections until the answer is right; returns the moment. `alive()` false ends the wait.

    `meanwhile` is called between tries; between two of them this thread sleeps a millisecond, so that on two cores the
    asking does not slow what is asked.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            with Connection(port, timeout) as connection:
                connection.get_checked(host, path, expect)
                return time.monotonic()
        except (OSError, WrongAnswer) as error:
            if not alive():
                raise RuntimeError(f"the server ended before http://{host}{path} was right") from error
            if time.monotonic() > end:
                raise TimeoutError(f"http://{host}{path} was not right within {timeout} s: {error}") from error
        meanwhile()
        time.sleep(0.001)
