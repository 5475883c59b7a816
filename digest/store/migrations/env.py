"""Run the migrations on the connection that `digest.store.migrate` opened. Alembic executes this file."""

from __future__ import annotations

from alembic import context

from digest.store.migrate import tables
from digest.system.failpoint import failpoint

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables(),
    # Because SQLite cannot change a column in place: Alembic copies the table.
    render_as_batch=True,
    transactional_ddl=True,
    on_version_apply=lambda **_: failpoint("upgrade: one step"),
)
with context.begin_transaction():
    context.run_migrations()
