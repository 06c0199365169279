"""Which deliveries go before the others.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what waits already is as urgent as everything else."""
    op.add_column(
        "deliveries",
        sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
