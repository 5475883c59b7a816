"""Deliver one message to every member of a Mailman 3 list, personalised; run by Mailman's own Python.

    python mailman_send.py setup FOLDER MEMBERS            make a list with so many members
    python mailman_send.py deliver FOLDER PORT MESSAGE     deliver a message file, and print the cost as JSON

`deliver` calls Mailman's delivery as its outgoing runner does, in this process. Its queue and its start are not
timed, which favours Mailman.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from mailman.config import config
from mailman.core.initialize import initialize

LIST = "digest@example.org"
CONFIG = """
[mailman]
layout: here
[paths.here]
var_dir: {folder}/var
[database]
url: sqlite:///{folder}/mailman.db
[mta]
incoming: mailman.mta.null.NullMTA
smtp_host: 127.0.0.1
smtp_port: {port}
verp_personalized_deliveries: yes
"""


def start(folder: Path, port: int) -> None:
    """Start Mailman in `folder`, with its mail server at `port`."""
    path = folder / "mailman.cfg"
    path.write_text(CONFIG.format(folder=folder, port=port), encoding="utf-8")
    initialize(str(path))


def setup(folder: Path, members: int) -> None:
    """Make the list, fully personalised, and its members."""
    from mailman.app.lifecycle import create_list
    from mailman.interfaces.domain import IDomainManager
    from mailman.interfaces.mailinglist import Personalization
    from mailman.interfaces.member import MemberRole
    from mailman.interfaces.usermanager import IUserManager
    from mailman.utilities.datetime import now
    from zope.component import getUtility

    start(folder, 25)
    getUtility(IDomainManager).add("example.org")
    mlist = create_list(LIST, ["owner@example.org"])
    mlist.personalize = Personalization.full
    mlist.send_welcome_message = False
    manager = getUtility(IUserManager)
    for number in range(1, members + 1):
        user = manager.create_user(f"reader{number}@example.org", f"Reader {number}")
        (address,) = user.addresses
        address.verified_on = now()
        user.preferred_address = address
        mlist.subscribe(address, MemberRole.member)
    config.db.commit()


def deliver(folder: Path, port: int, message: Path) -> None:
    """Deliver the message to all members, and print the letters, the processor time and the wall time in seconds."""
    from email import message_from_bytes

    from mailman.email.message import Message
    from mailman.interfaces.listmanager import IListManager
    from mailman.mta.deliver import deliver as deliver_to
    from mailman.utilities.email import add_message_hash
    from zope.component import getUtility

    start(folder, port)
    mlist = getUtility(IListManager).get(LIST)
    msg = message_from_bytes(message.read_bytes(), Message)
    add_message_hash(msg)
    recipients = {member.address.email for member in mlist.members.members}
    processor, wall = time.process_time(), time.perf_counter()
    deliver_to(mlist, msg, {"recipients": recipients, "verp": True, "to_list": True})
    cost = {
        "letters": len(recipients),
        "processor": time.process_time() - processor,
        "wall": time.perf_counter() - wall,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    verb, folder, *rest = sys.argv[1:]
    if verb == "setup":
        setup(Path(folder), int(rest[0]))
    else:
        deliver(Path(folder), int(rest[0]), Path(rest[1]))
