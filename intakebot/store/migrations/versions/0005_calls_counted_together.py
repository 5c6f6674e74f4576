"""Calls of a forge's API, counted by all processes together. Frozen, as all are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("counted_by", sa.Text(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("told_limit", sa.Integer(), nullable=False),
        sa.Column("near", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("counted_by", "minute", name=op.f("pk_calls")),
    )
