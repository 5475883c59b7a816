"""Serve one mailbox over IMAP on a real socket: the part of RFC 3501 that our reader uses, and faults on request."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from typing import BinaryIO


class ImapServer:
    """Serve `letters` with UIDs from 11 on. `fault` names the command that fails; "drop": no answer to SEARCH."""

    def __init__(self, letters: list[bytes], fault: str = "") -> None:
        self.letters = {
            n + 11: letter.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for n, letter in enumerate(letters)
        }
        self.seen: set[int] = set()
        self.commands: list[str] = []
        self._fault = fault
        self._talk: socket.socket | None = None
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for the thread."""
        # Connect, because nothing else wakes a waiting accept for sure.
        self._fault = "closed"
        if self._talk is not None:
            with suppress(OSError):
                self._talk.shutdown(socket.SHUT_RDWR)
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._door.close()

    def _accept(self) -> None:
        while True:
            talk, _ = self._door.accept()
            self._talk = talk
            with suppress(OSError), talk, talk.makefile("rwb") as stream:
                if self._fault == "closed":
                    return
                self._serve(stream)
            self._talk = None

    def _serve(self, stream: BinaryIO) -> None:
        def say(line: bytes) -> None:
            stream.write(line + b"\r\n")
            stream.flush()

        say(b"* OK ready")
        while line := stream.readline():
            tag, _, command = line.decode().strip().partition(" ")
            name = re.sub(r"^uid ", "", command.lower()).partition(" ")[0]
            self.commands.append(command)
            if self._fault == "drop" and name == "search":
                return
            if name == self._fault:
                say(f"{tag} NO not for reader@example.org".encode())
                continue
            if name == "capability":
                say(b"* CAPABILITY IMAP4rev1")
            elif name == "login":
                assert command.endswith('"secret"')
            elif name == "select":
                say(b"* %d EXISTS" % len(self.letters))
            elif name == "search":
                unseen = b" ".join(b"%d" % uid for uid in self.letters if uid not in self.seen)
                say(b"* SEARCH " + unseen if unseen else b"* SEARCH")
            elif name == "fetch":
                match = re.fullmatch(r"(?i)uid fetch (\d+) \(body\.peek\[\]<0\.(\d+)>\)", command)
                assert match is not None
                raw = self.letters[int(match[1])][: int(match[2])]
                stream.write(b"* 1 FETCH (UID %s BODY[]<0> {%d}\r\n" % (match[1].encode(), len(raw)))
                say(raw + b")")
            elif name == "store":
                match = re.fullmatch(r"(?i)uid store ([\d,]+) \+flags\.silent \(\\seen\)", command)
                assert match is not None
                self.seen |= {int(uid) for uid in match[1].split(",")}
            elif name == "logout":
                say(b"* BYE")
            say(f"{tag} OK done".encode())
