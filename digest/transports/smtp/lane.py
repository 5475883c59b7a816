"""Hand letters over on one connection, one after the other.

Each write carries a letter's body and the envelope commands of the next letter, if the server offers pipelining.
"""

from __future__ import annotations

from collections.abc import Callable

from digest.errors import DigestError, TryLater
from digest.system.failpoint import failpoint
from digest.transports.base import Outcome
from digest.transports.smtp.envelope import Envelope, ReturnPath, Unmailable, make_ready
from digest.transports.smtp.lanes import SharedLetters
from digest.transports.smtp.replies import RETRY_LOST, Reply, reason, verdict, wait_in_reply
from digest.transports.smtp.session import Lost, Session

_BARE_DOT = b".\r\n"
_RESET = ("RSET", b"RSET\r\n")
_OUT_OF_STEP = "the server's answers do not fit what it was asked"


class _Closing(Exception):
    """Report that the server answered 421, by which it ends the connection."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class Lane:
    """Keep one connection over many hand-overs. `retired`: it failed, so that other lanes shall be used.

    `_current` is the letter that the server is taking, `_ahead` the one whose envelope may have been written already.
    """

    def __init__(self, connect: Callable[[], Session], return_path: ReturnPath, answer_timeout: float) -> None:
        self._connect = connect
        self._return_path = return_path
        self._answer_timeout = answer_timeout
        self._session: Session | None = None
        self._current: Envelope | None = None
        self._ahead: Envelope | None = None
        self._dot_left = False
        self._used = False  # whether this connection has brought a letter to its end
        self._unclean = False  # whether the transaction of a refused letter is still open
        self.retired = False

    def open(self) -> Session:
        """Return the connection; make a new one if there is none or it was closed. Raises TryLater or DigestError."""
        if self._session is None or not self._session.usable:
            self._session = None
            self._session = self._connect()
            failpoint("smtp: connected")
            self._used = self._unclean = False
        return self._session

    def close(self, seconds: float = 2.0) -> None:
        """End the connection, and wait at most `seconds` for the server's answer to QUIT."""
        session, self._session = self._session, None
        if session is not None:
            session.leave(seconds)

    def run(self, work: SharedLetters) -> None:
        """Hand over letters until none is left. Settles or puts back each letter taken; raises nothing."""
        try:
            while work.any and not self.retired:
                self._serve(work, self.open())
        except DigestError as error:
            self.retired = True
            work.no_connection(error)
        except BaseException as error:
            # A mistake of this program: settle the letters by the same rule, and pass the error on to the caller.
            work.halt("this program failed", error)
            self._lost(work, "this program failed on the way")
        finally:
            work.settled.put(None)

    def _serve(self, work: SharedLetters, session: Session) -> None:
        """Hand over letters on one connection until none is left or the connection is lost."""
        try:
            while self._ahead or self._begin(work, session, wait=True):
                self._current, self._ahead = self._ahead, None
                self._letter(work, session)
                self._current = None
        except _Closing as closing:
            self._lost(work, "the server hung up", closing.reply)
        except Lost as lost:
            self._lost(work, str(lost))

    def _begin(self, work: SharedLetters, session: Session, *, wait: bool) -> bool:
        """Take the next letter that this server can take as the one ahead; write nothing. False: there is none."""
        while (parcel := work.take(wait=wait)) is not None:
            try:
                self._ahead = make_ready(parcel, self._return_path, session.esmtp_features)
                return True
            except Unmailable as error:
                state = "refused" if error.about == "reader" else "deferred"
                work.settle(Outcome(parcel.delivery, state, str(error), about=error.about))
            except BaseException:
                work.settle(Outcome(parcel.delivery, "deferred", "it could not be made ready", RETRY_LOST))
                raise
        return False

    def _letter(self, work: SharedLetters, session: Session) -> None:
        """Bring the current letter to its end, and write the envelope of the letter ahead with its body."""
        letter = self._current
        assert letter is not None
        self._dot_left = False
        wire = self._envelope(work, session, letter)
        if wire:
            self._body(work, session, letter, wire)
        self._used = True

    def _envelope(self, work: SharedLetters, session: Session, letter: Envelope) -> bytes:
        """Offer a letter; return the bytes that the server now waits for: the letter, a bare dot, or nothing."""
        pipelined = session.has_extn("pipelining")
        commands = letter.commands
        if not letter.asked:
            if session.ahead_of_us:
                raise Lost(_OUT_OF_STEP)
            commands = (_RESET, *commands) if self._unclean else commands
            self._unclean = False
            if pipelined:
                session.write(b"".join(command for _, command in commands))
        refused_at = ""
        for verb, command in commands:
            if not pipelined:
                session.write(command)
            reply = session.answer()
            if reply.code == 421:
                raise _Closing(reply)
            if verb == "DATA" and reply.code == 354:
                return self._go_ahead(work, session, letter, refused_at)
            if verb != "DATA" and reply.positive:
                continue
            if not reply.negative or verb == "RSET":
                raise Lost(_OUT_OF_STEP)
            self._unclean = True
            if not refused_at:
                refused_at = verb
                self._settle(work, letter, verb, reply)
            if not pipelined:
                break
        return b""

    def _go_ahead(self, work: SharedLetters, session: Session, letter: Envelope, refused_at: str) -> bytes:
        """Return the bytes to write after a 354, which asks for the letter."""
        if session.ahead_of_us:
            raise Lost(_OUT_OF_STEP)
        if refused_at == "RCPT":
            # The server asks for a letter without a recipient; RFC 2920 §3.1 has us send an empty one.
            self._unclean = False
            return _BARE_DOT
        if refused_at:
            # The server refused the sender and still asks for the letter. Send no dot, because it might mail it.
            raise Lost(_OUT_OF_STEP)
        if work.halted:
            # Hang up, because after a 354 there is no other way not to send the letter.
            raise Lost("stopped before any of it was sent")
        return letter.wire

    def _body(self, work: SharedLetters, session: Session, letter: Envelope, wire: bytes) -> None:
        """Write the bytes that the server waits for, with the envelope of the letter ahead; settle by the reply."""
        following = b""
        if session.has_extn("pipelining") and self._begin(work, session, wait=False) and self._ahead:
            following = b"".join(command for _, command in self._ahead.commands)
            self._ahead.asked = True
        letter.begun = True
        try:
            session.write(wire + following)
        finally:
            self._dot_left = session.left > len(wire) - len(_BARE_DOT)
        failpoint("smtp: the last dot sent")
        reply = session.answer(self._answer_timeout)
        failpoint("smtp: the answer read")
        if not (reply.positive or reply.negative):
            raise Lost(_OUT_OF_STEP)
        self._settle(work, letter, ".", reply)
        if reply.code == 421:
            raise _Closing(reply)

    def _settle(self, work: SharedLetters, letter: Envelope, verb: str, reply: Reply) -> None:
        """Settle a letter by the reply to `verb`, unless an earlier reply has settled it."""
        if not letter.settled:
            letter.settled = True
            work.settle(verdict(letter.parcel.delivery, verb, reply, letter.parcel.to))

    def _lost(self, work: SharedLetters, words: str, reply: Reply | None = None) -> None:
        """Close the connection and settle its letters: uncertain only if the final dot may have left."""
        (letter, ahead), self._current, self._ahead = (self._current, self._ahead), None, None
        if self._session is not None:
            self._session.close()
            self._session = None
        if letter is not None and not letter.settled and self._dot_left:
            letter.settled = True
            work.settle(Outcome(letter.parcel.delivery, "uncertain", f"after the letter's end: {words}"))
        for envelope in (letter, ahead):
            if envelope is None or envelope.settled:
                continue
            parcel = envelope.parcel
            # Put it back, because many servers close a connection after some number of letters.
            if self._used and not envelope.begun and work.put_back(parcel):
                continue
            cause = f"{words}: {reason(reply, parcel.to)}" if reply else words
            wait = wait_in_reply(reply) if reply else RETRY_LOST
            work.settle(Outcome(parcel.delivery, "deferred", cause, wait, tried=envelope.begun or not work.halted))
        if not self._used and not work.halted:
            self.retired = True
            work.no_connection(TryLater(f"mail server: {words} before a letter was through; run again later"))
