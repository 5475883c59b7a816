"""Run a real Postfix for tests, with a folder, queue and port of its own, STARTTLS and a login; remove it after."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from digest.transports.smtp import SmtpSettings
from tests.transports.mailserver import make_papers

REQUIRED = os.environ.get("DIGEST_REQUIRE_SERVERS") == "1"
MISSING = "no Postfix to start: as root, apt-get install --no-install-recommends postfix sasl2-bin libsasl2-modules"
LARGEST = 300_000
PATIENCE = 60
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = mx.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
service_throttle_time = 1s
mynetworks =
mydestination =
alias_maps =
default_transport = error:5.1.2 not from here
virtual_mailbox_domains = example.org
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = texthash:{home}/readers
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
message_size_limit = {largest}
smtpd_client_connection_count_limit = 10
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {home}/etc/sasl
smtpd_sasl_local_domain = mx.example
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{home}/moods, permit_sasl_authenticated, reject
smtpd_data_restrictions = reject_unauth_pipelining
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """Control one running server, which accepts `settings`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._process: subprocess.Popen[bytes] | None = None
        papers = make_papers(home)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._configure(papers.certificate, papers.key)
        self.settings = SmtpSettings(
            "localhost",
            self.port,
            username="digest@mx.example",
            password="correct horse",
            ca_file=str(papers.certificate),
            sender="digest@example.com",
            return_path="bounce+{tag}@news.example.com",
            local_hostname="client.example",
        )

    def _configure(self, certificate: Path, key: Path) -> None:
        home, owner = self.home, pwd.getpwnam("postfix")
        home.chmod(0o755)
        # Debian's looks for SASL's settings beside its own, whatever cyrus_sasl_config_path says.
        for name in ("etc/sasl", "queue", "data", "mail"):
            (home / name).mkdir(parents=True)
        shutil.chown(home / "data", "postfix")
        shutil.chown(home / "mail", 65534, 65534)
        values = {"home": home, "port": self.port, "certificate": certificate, "key": key, "largest": LARGEST}
        (home / "etc/main.cf").write_text(_MAIN.format(**values))
        (home / "etc/master.cf").write_text(_MASTER.format(**values))
        (home / "readers").write_text("".join(f"reader{n}@example.org reader{n}/\n" for n in range(1, 1001)))
        (home / "moods").write_text("/^reader999@/ 450 4.2.0 greylisted, try again in 5 minutes\n")
        plugin = f"auxprop_plugin: sasldb\nsasldb_path: {home}/etc/sasl/db\n"
        (home / "etc/sasl/smtpd.conf").write_text(f"pwcheck_method: auxprop\nmech_list: PLAIN LOGIN\n{plugin}")
        subprocess.run(
            ["saslpasswd2", "-p", "-c", "-f", home / "etc/sasl/db", "-u", "mx.example", "digest"],
            input=b"correct horse", check=True, env={"PATH": _PATH},
        )  # fmt: skip
        os.chown(home / "etc/sasl/db", owner.pw_uid, owner.pw_gid)

    def start(self) -> None:
        """Start the server, and wait until it greets."""
        self._process = subprocess.Popen(
            ["postfix", "-c", self.home / "etc", "start-fg"],
            env={"PATH": _PATH}, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as sock:
                if sock.recv(3) == b"220":
                    return
            time.sleep(0.05)
        raise RuntimeError(f"Postfix did not start: {self.log()}")

    def stop(self) -> None:
        """Stop the server and every process it started."""
        if self._process is not None and self._process.poll() is None:
            subprocess.run(["postfix", "-c", self.home / "etc", "stop"], env={"PATH": _PATH}, capture_output=True)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def kill_servers(self) -> int:
        """Kill every process that serves an SMTP connection (SIGKILL), and return how many there were."""
        master = int((self.home / "queue/pid/master.pid").read_text())
        killed = 0
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
                if name == "smtpd" and int(rest.split()[1]) == master:
                    os.kill(int(folder.name), signal.SIGKILL)
                    killed += 1
        return killed

    def settled(self) -> dict[str, list[bytes]]:
        """Return the letters in each reader's mailbox, once the queue is empty."""
        end = time.monotonic() + PATIENCE
        queues = [self.home / "queue" / name for name in ("incoming", "active", "deferred", "maildrop")]
        while any(path.is_file() for queue in queues for path in queue.rglob("*")):
            if time.monotonic() > end:
                raise RuntimeError(f"letters stay in the queue: {self.log()}")
            time.sleep(0.05)
        boxes = sorted((self.home / "mail").iterdir())
        return {box.name: [file.read_bytes() for file in (box / "new").iterdir()] for box in boxes}

    def counted(self) -> Counter[int]:
        """Return how many letters each reader has, once the queue is empty."""
        return Counter({int(name.removeprefix("reader")): len(held) for name, held in self.settled().items()})

    def log(self) -> str:
        """Return the end of the server's log."""
        path = self.home / "log"
        return path.read_text()[-2000:] if path.exists() else "it wrote no log"


def available() -> bool:
    """Return whether a Postfix can be started on this machine."""
    installed = all(shutil.which(name, path=_PATH) for name in ("postfix", "saslpasswd2"))
    return installed and os.geteuid() == 0


@contextmanager
def running() -> Iterator[Postfix]:
    """Run a Postfix for as long as the block lasts."""
    # Not in pytest's folder, because Postfix's processes run as other users and must reach their files.
    home = Path(tempfile.mkdtemp(prefix="digest-postfix-"))
    server = Postfix(home)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)
