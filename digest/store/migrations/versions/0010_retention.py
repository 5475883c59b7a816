"""Add the tables of what stays of condensed deliveries: who had which digest, and the counts of the receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from subscribers.database import Key

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add two empty tables."""
    op.create_table(
        "had",
        sa.Column("digest_id", Key, nullable=False),
        sa.Column("subscriber_id", Key, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["digest.id"], name=op.f("fk_had_digest_id_digest")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_had_subscriber_id_subscriber"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest_id", "subscriber_id", name=op.f("pk_had")),
    )
    op.create_index(op.f("ix_had_subscriber_id"), "had", ["subscriber_id"])
    op.create_table(
        "tally",
        sa.Column("id", Key, nullable=False),
        sa.Column("edition_id", Key, nullable=False),
        sa.Column("run_id", Key),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("fate", sa.String(10)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_tally_edition_id_edition")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally")),
    )
    op.create_index(op.f("ix_tally_edition_id"), "tally", ["edition_id"])
