"""Give each subscriber and edition a random key, to which links and tags are bound from now on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

# 64 random bits in 16 hexadecimal digits, made anew for each row. Of the 122 random bits of PostgreSQL's own value
# the fixed ones are left out.
_RANDOM = {
    "sqlite": "lower(hex(randomblob(8)))",
    "postgresql": "left(gen_random_uuid()::text, 8) || right(gen_random_uuid()::text, 8)",
}
# Links and tags that are out now have no key. They count for the rows that are here now, until the first restore.
_OUT = {"subscriber": "true", "edition": "state = 'frozen'"}


def upgrade() -> None:
    """Add a key to every subscriber and edition, and mark those whose letters are out with links without keys."""
    random = _RANDOM[op.get_bind().dialect.name]
    for table, out in _OUT.items():
        # Added with a default and then filled, because SQLite would otherwise have to copy the whole table.
        op.add_column(table, sa.Column("key", sa.String(length=16), server_default="", nullable=False))
        op.add_column(table, sa.Column("old_links", sa.Boolean(), server_default=sa.false(), nullable=False))
        op.execute(f"UPDATE {table} SET key = {random}, old_links = ({out})")  # noqa: S608
        op.create_index(op.f(f"ix_{table}_key"), table, ["key"], unique=True)
