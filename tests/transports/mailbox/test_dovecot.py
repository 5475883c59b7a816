"""Test our IMAP reader with a real Dovecot, if this machine has it (`apt-get install dovecot-imapd`)."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.errors import TryLater
from digest.transports.mailbox.mailbox import open_mailbox

PROGRAM = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("DIGEST_REQUIRE_SERVERS") != "1",
    reason="no Dovecot: apt-get install dovecot-imapd",
)
CONFIG = """
base_dir = {home}/run
log_path = {home}/log
protocols = imap
ssl = no
disable_plaintext_auth = no
listen = 127.0.0.1
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 0
mail_location = maildir:{home}/mail
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


@pytest.fixture
def server() -> Iterator[tuple[Path, int]]:
    """Run a Dovecot; return the folder of its one mailbox, and its port."""
    assert PROGRAM is not None
    root = os.geteuid() == 0
    uid, gid = (65534, 65534) if root else (os.getuid(), os.getgid())
    user, group = ("nobody", "nogroup") if root else (getpass.getuser(), getpass.getuser())
    # Not pytest's folder, because the paths of Dovecot's sockets must be short.
    with tempfile.TemporaryDirectory(prefix="dove-") as name, socket.create_server(("127.0.0.1", 0)) as free:
        home, port = Path(name), free.getsockname()[1]
        free.close()
        for sub in ("mail", "mail/new", "mail/cur", "mail/tmp"):
            (home / sub).mkdir()
            os.chown(home / sub, uid, gid)
        home.chmod(0o755)
        text = CONFIG.format(home=home, user=user, group=group, uid=uid, gid=gid, port=port)
        (home / "dovecot.conf").write_text(text)
        process = subprocess.Popen([PROGRAM, "-F", "-c", str(home / "dovecot.conf")])
        try:
            for _ in range(200):
                if process.poll() is not None:
                    pytest.fail(f"Dovecot ended: {(home / 'log').read_text()}")
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            yield home / "mail", port
        finally:
            process.terminate()
            process.wait()


def test_read_mark_and_read_again(server: tuple[Path, int]) -> None:
    folder, port = server
    for n in range(150):
        (folder / "new" / f"{n:03d}").write_bytes(f"To: a@example.org\nSubject: {n:03d}\n\nText.\n".encode())
        (folder / "new" / f"{n:03d}").chmod(0o666)
    place = f"imap://digest%40example.org@127.0.0.1:{port}/INBOX"
    box = open_mailbox(place, "secret")
    first = dict(box.unread())
    assert sorted(raw.split(b"\r\n")[1] for raw in first.values()) == [b"Subject: %03d" % n for n in range(150)]
    assert dict(box.unread()) == first  # reading marks nothing
    box.done([key for key, raw in first.items() if b"Subject: 007" not in raw])
    assert [raw.split(b"\r\n")[1] for _, raw in box.unread()] == [b"Subject: 007"]
    box.close()
    assert len(list((folder / "cur").glob("*:2,*S*"))) == 149


def test_a_refused_password_is_said_without_it(server: tuple[Path, int]) -> None:
    with pytest.raises(TryLater, match="refused us") as caught:
        open_mailbox(f"imap://digest%40example.org@127.0.0.1:{server[1]}/INBOX", "hush-hush")
    assert "hush" not in str(caught.value)
