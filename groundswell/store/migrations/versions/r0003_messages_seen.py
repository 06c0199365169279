"""Which messages came, of senders that repeat them.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from groundswell.store.ledger_tables import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "messages_seen",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", "message_id", name="messages_seen_pkey"),
    )
    op.create_index("messages_seen_received_at_idx", "messages_seen", ["received_at"])
