"""Take letters over SMTP, count how often a client had to wait for an answer, and keep a sample of the letters."""

from __future__ import annotations

import contextlib
import socket
import threading

_END = b"\r\n.\r\n"
_ANSWERS = {
    b"EHLO": b"250-sink.example\r\n250-8BITMIME\r\n250 PIPELINING\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


class CountingSink:
    """Listen on a port of this machine until closed.

    It answers when it has read all that a client wrote, so that `round_trips` counts how often one had to wait.
    `sample` holds each `every`-th message.
    """

    def __init__(self, every: int) -> None:
        self._every = every
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.messages = self.round_trips = 0
        self.sample: list[bytes] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        received, in_letter = bytearray(), False
        answers = [b"220 sink.example ESMTP\r\n"]
        with connection, contextlib.suppress(OSError):
            while True:
                if answers:
                    connection.sendall(b"".join(answers))
                    with self._lock:
                        self.round_trips += 1
                if not (chunk := connection.recv(1 << 18)):
                    return
                received += chunk
                answers, in_letter = self._answers(received, in_letter)

    def _answers(self, received: bytearray, in_letter: bool) -> tuple[list[bytes], bool]:
        """Remove whole commands and letters from what came; return the answers, and whether a letter has begun."""
        answers: list[bytes] = []
        while (end := received.find(_END if in_letter else b"\r\n")) >= 0:
            if in_letter:
                self._take(bytes(received[: end + 2]))
                del received[: end + len(_END)]
                # With another number for each letter, as a real server answers.
                answers.append(b"250 2.0.0 Ok: queued as %X\r\n" % self.messages)
                in_letter = False
            else:
                verb = bytes(received[:4]).upper()
                del received[: end + 2]
                answers.append(_ANSWERS.get(verb, b"250 2.1.0 Ok\r\n"))
                in_letter = verb == b"DATA"
        return answers, in_letter

    def _take(self, message: bytes) -> None:
        with self._lock:
            self.messages += 1
            if self.messages % self._every == 0:
                self.sample.append(message)
