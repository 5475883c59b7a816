"""Let several hosts send from one database, and share limits of rate between all processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import UtcDateTime

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the halves of the fence of further hosts, a count of all claims, and the paces."""
    op.create_table(
        "host",
        sa.Column("location", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(253), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("previous", sa.String(32), nullable=False),
        sa.Column("earlier", sa.Text(), nullable=False, server_default=""),
    )
    op.create_table(
        "pace",
        sa.Column("name", sa.String(270), primary_key=True),
        sa.Column("free_at", UtcDateTime(), nullable=False),
    )
    op.add_column("installation", sa.Column("claims", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("installation", sa.Column("earlier", sa.Text(), nullable=False, server_default=""))
