"""The outbox: deliveries to other systems, what these remember, and which of them rest.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from groundswell.store.ledger_tables import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "deliveries",
        sa.Column("position", position, sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("handoff_id", sa.Text()),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant()),
        sa.Column("their_id", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="deliveries_pkey"),
        sa.UniqueConstraint("key", name="deliveries_key_key"),
    )
    op.create_index("deliveries_account_id_idx", "deliveries", ["account_id"])
    op.create_index("deliveries_waiting_idx", "deliveries", ["destination", "status", "due_at"])
    op.create_table(
        "destination_memory",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "name", name="destination_memory_pkey"),
    )
    op.create_table(
        "destination_pauses",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination", name="destination_pauses_pkey"),
    )
