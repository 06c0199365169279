"""What Alembic runs: the revisions, on the connection that the ledger hands over."""

from __future__ import annotations

from alembic import context

from groundswell.store.ledger_tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
