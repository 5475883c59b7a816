"""Read [storage] of config.toml: where the database, the two files beside it, and the pages of receipts are."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class StoragePart(BaseModel):
    """[storage]: the address of the database, and the paths of the secret, the fence, and the pages of receipts."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    url: str = Field(
        default="sqlite:///digest.db",
        description="The database: a SQLite file, or PostgreSQL as `postgresql+psycopg://user@host/name`.",
    )
    secret_file: str = Field(
        default="digest.secret",
        description="The key of links and suppressions; made on first use. Keep a copy with your backups.",
    )
    fence_file: str = Field(
        default="digest.fence",
        description="The half of the fence that is outside the database; made on first use. Never copy it.",
    )
    receipts: str = Field(
        default="receipts",
        description="The folder of the receipts' pages, which each run writes; made on first use.",
    )


def storage_url(url: str, home: Path) -> str:
    """Return the database's URL with a relative SQLite path below `home`, because cron may start anywhere."""
    prefix = "sqlite:///"
    if url.startswith(prefix) and url != prefix + ":memory:" and not url.startswith(prefix + "/"):
        return prefix + str(home / url.removeprefix(prefix))
    return url
