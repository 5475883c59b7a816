"""Tell an operator about an error of PostgreSQL: its SQLSTATE decides the exit code and the cure.

The codes: PostgreSQL's documentation, appendix "PostgreSQL Error Codes". The first two characters are the class.
"""

from __future__ import annotations

import re

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError

from digest.errors import ConfigError, DigestError, TryLater, WrongTables


class DatabaseAway(TryLater):
    """The database is away, busy or locked; the same transaction may work in a moment."""


_OTHERS = "if the server is in order, it is a fault of this program: please report it"
FOREIGN = "it is not this program's, or damaged"
HOW_TO_COMPARE = "run `digest doctor`, which compares its tables and tells the cure"
_ADDRESS = (
    "check storage.url: the role, and its password (DIGEST_STORAGE__URL, or a password file: docs/install.md, step 3)"
)
_ENCRYPTION = "check storage.url: the server and the address disagree about encryption (add ?sslmode=require)"

# The longest beginning of the SQLSTATE decides. In a cure, {role} and {database} are those of storage.url.
_MEANINGS: dict[str, tuple[type[DigestError], str]] = {
    "": (DigestError, _OTHERS),
    "08": (DatabaseAway, "try again later"),
    "0A": (DigestError, f"this server is too old, or has been changed; restart this program; {_OTHERS}"),
    "25006": (
        DigestError,
        "the server or this role takes no writes: name the primary server in storage.url, or"
        " `ALTER ROLE {role} SET default_transaction_read_only = off`",
    ),
    "25P03": (DatabaseAway, "try again later"),
    "25P04": (DatabaseAway, "try again later, or raise transaction_timeout for {role}"),
    "28": (ConfigError, _ADDRESS),
    "28SSL": (ConfigError, _ENCRYPTION),
    "3D": (ConfigError, "check storage.url, or make it: `createdb -E UTF8 -T template0 -O {role} {database}`"),
    "3F": (DigestError, "`GRANT USAGE, CREATE ON SCHEMA public TO {role}`, or correct the search_path of {role}"),
    "40": (DatabaseAway, "another session was in the way: try again later"),
    "42501": (DigestError, "{grant}"),
    "42P01": (WrongTables, FOREIGN),
    "42701": (WrongTables, FOREIGN),
    "42P07": (WrongTables, FOREIGN),
    "42703": (WrongTables, FOREIGN),
    "53": (DatabaseAway, "try again later"),
    "53100": (TryLater, "make room and run again"),
    "53200": (TryLater, "give the server more memory, or try again later"),
    "53300": (DatabaseAway, "try again later, or raise max_connections"),
    "55": (DatabaseAway, "try again later"),
    "55P03": (
        DatabaseAway,
        "another session holds a lock: end it (pg_stat_activity, pg_blocking_pids) or try again later",
    ),
    "57": (DatabaseAway, "try again later"),
    "57014": (DatabaseAway, "by a stop, or by the statement_timeout of {role}: try again later"),
    "57P04": (DigestError, "the database was dropped: restore it"),
    "58": (DatabaseAway, "look at the server's disk and log, then try again"),
    "F0": (DigestError, "look at the server's configuration and log"),
    "XX": (DigestError, "look at the server's log, and run `digest doctor`"),
}
# A server or pooler that refuses a connection gives no SQLSTATE, only words. The first row that fits decides. 28SSL
# is a code of our own, in the class of refused accounts.
_REFUSALS = (
    (r"too many (clients|connections)|connection slots|no more connections|limit exceeded", "53300"),
    (r"starting up|shutting down|in recovery|not yet accepting|login has been failing", "57P03"),
    (r"permission denied for database", "42501"),
    (r"ssl was required|does not support ssl|no encryption|certificate|ssl off|requires? ssl", "28SSL"),
    (r"database \S+ does not exist|no such database", "3D000"),
    (r"authentication failed|no password supplied|does not exist|no pg_hba.conf entry|rejects connection", "28000"),
    (
        r"not permitted to log in|no such user|auth failed|config error|invalid (connection option|port|\S+ value)",
        "28000",
    ),
)
_DENIED = re.compile(r"(permission denied for|must be owner of) (\w+) (\S+)")
_GRANTS = {
    "schema": "GRANT USAGE, CREATE ON SCHEMA {thing} TO {role}",
    "table": "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "sequence": "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
    "database": "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role}",
    "owner": "ALTER TABLE {thing} OWNER TO {role}",
}
_ANY_GRANT = "let {role} own the tables and use the schema: `ALTER DATABASE {database} OWNER TO {role}`"


def told(engine: Engine, error: DBAPIError, where: str) -> DigestError | None:
    """Return the error to raise for one of the driver, in one line, or None for a value or row that does not fit.

    `where`: the database, as a message names it.
    """
    state = sqlstate(error)
    if state.startswith(("22", "23")) or isinstance(error, (DataError, IntegrityError)):
        return None
    kind, cure = next(_MEANINGS[state[:n]] for n in range(5, -1, -1) if state[:n] in _MEANINGS)
    words = words_of(error)
    if kind is WrongTables:
        return WrongTables(where, f"{words}; {cure}", HOW_TO_COMPARE)
    cure = cure.replace("{grant}", _grant(words))
    line = f"{where}: {words}{f' (SQLSTATE {state})' if cure == _OTHERS else ''}; {_filled(cure, engine)}"
    return ConfigError([line]) if kind is ConfigError else kind(line)


def grant_for(engine: Engine, words: str) -> str:
    """Return the command that gives the role of `engine` the right of whose lack these words speak."""
    return _filled(_grant(words), engine)


def words_of(error: DBAPIError) -> str:
    """Return the server's words in one line, without its details, which quote values and so people's addresses."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return " ".join(str(primary or error.orig).split())


def sqlstate(error: DBAPIError) -> str:
    """Return the SQLSTATE of an error, or one that fits a lost or refused connection; "" when there is none."""
    if code := getattr(error.orig, "sqlstate", None):
        return str(code)
    text = str(error.orig).lower()
    state = next((code for words, code in _REFUSALS if re.search(words, text)), "")
    return state or ("08000" if isinstance(error, (OperationalError, InterfaceError)) else "")


def _grant(words: str) -> str:
    """Return the command that gives the right of which the server speaks; its words may be in another language."""
    denied = _DENIED.search(words)
    if denied is None:
        return _ANY_GRANT
    kind = (
        "owner" if denied[1].startswith("must") else {"relation": "table", "view": "table"}.get(denied[2], denied[2])
    )
    command = _GRANTS.get(kind)
    return f"give {{role}} this right: `{command}`".replace("{thing}", denied[3]) if command else _ANY_GRANT


def _filled(cure: str, engine: Engine) -> str:
    quote = engine.dialect.identifier_preparer.quote
    names = {
        "role": quote(engine.url.username) if engine.url.username else "ROLE",
        "database": quote(engine.url.database) if engine.url.database else "DATABASE",
    }
    # Not `format`, because a name may hold a brace.
    return re.sub(r"\{(role|database)\}", lambda match: names[match[1]], cure)
