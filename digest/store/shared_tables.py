"""Declare the tables that several hosts and processes share where more than one of them sends.

In the catalogue of `schema`. A change here needs a migration in `migrations/versions/`; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from subscribers.database import UtcDateTime, metadata

# The fence's tokens of each host that sends beside the first, whose tokens stand in `installation`. `location` is the
# hash of machine and path in the host's file, `name` what people call the host.
host = Table(
    "host",
    metadata,
    Column("location", String(32), primary_key=True),
    Column("name", String(253), nullable=False),
    Column("token", String(32), nullable=False),
    Column("previous", String(32), nullable=False),
    Column("earlier", Text, nullable=False, server_default=""),
)

# From when on each shared limit of rate lets the next piece of work begin.
pace = Table(
    "pace",
    metadata,
    Column("name", String(270), primary_key=True),  # "smtp", or "source:" and a host name
    Column("free_at", UtcDateTime, nullable=False),
)
