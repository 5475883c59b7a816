"""Run the migrations on the connection that `digest.store.migrate` opened. Alembic executes this file."""

from __future__ import annotations

from collections.abc import Callable

from alembic import context

from digest.store.migrate import tables
from digest.system.failpoint import failpoint

# Given where the schemas are built in memory to look at them; otherwise tests kill the program at each step.
on_step: Callable[..., None] = context.config.attributes.get("on_step") or (
    lambda **_: failpoint("upgrade: one step")
)
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables(),
    # Because SQLite cannot change a column in place: Alembic copies the table.
    render_as_batch=True,
    transactional_ddl=True,
    on_version_apply=on_step,
)
with context.begin_transaction():
    context.run_migrations()
