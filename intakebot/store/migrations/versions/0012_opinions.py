"""What reviewers think of the next pull request, each for themselves. Frozen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    wide = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "opinions",
        sa.Column("pull_id", wide, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pull_id", "account_id", name="pk_opinions"),
        sa.ForeignKeyConstraint(["pull_id"], ["pulls.id"], name="fk_opinions_pull_id"),
    )
