"""Where checks that another machine runs are tried, and since when. Frozen, as all are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("runs", sa.Column("tried", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("branch", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("called_at", sa.BigInteger))
    op.add_column("runs", sa.Column("answer", sa.JSON(none_as_null=True), nullable=True))
    op.create_index("ix_runs_branch", "runs", ["branch"])
