"""Quarantine, journal, merges, cursors and loads.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from groundswell.store.ledger_tables import Instant
from groundswell.store.sql import load_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and the triggers that keep the journal append-only."""
    position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "journal",
        sa.Column("position", position, sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="journal_pkey"),
        sa.UniqueConstraint("key", name="journal_key_key"),
    )
    op.create_index("journal_account_id_idx", "journal", ["account_id"])
    op.create_index("journal_at_idx", "journal", ["at"])
    op.create_table(
        "rejects",
        sa.Column("position", position, sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("load_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("replayed_at", Instant()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("line", sa.BigInteger()),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name="rejects_pkey"),
        sa.UniqueConstraint("id", name="rejects_id_key"),
    )
    op.create_index("rejects_status_idx", "rejects", ["status"])
    op.create_table(
        "account_merges",
        sa.Column("from_account", sa.Text(), nullable=False),
        sa.Column("into_account", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until_reason", sa.Text()),
        sa.PrimaryKeyConstraint(
            "from_account", "into_account", "since", name="account_merges_pkey"
        ),
    )
    op.create_table(
        "cursors",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="cursors_pkey"),
    )
    op.create_table(
        "loads",
        sa.Column("load_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant()),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("load_id", name="loads_pkey"),
    )
    op.create_index("loads_started_at_idx", "loads", ["started_at"])
    for statement in load_statements(f"journal_{op.get_bind().dialect.name}").values():
        op.execute(statement)
