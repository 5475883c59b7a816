"""Find the letters that wait for a reason without reading all that wait."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add an index of the few pending deliveries that have a reason."""
    worded = sa.text("state = 'pending' AND reason <> ''")
    op.create_index(
        "ix_delivery_waiting", "delivery", ["edition_id", "state"], sqlite_where=worded, postgresql_where=worded
    )
