"""Which sealed rows were rewritten when somebody was erased, and what points at facts.

Frozen, as all are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    wide = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "erasures",
        sa.Column("id", wide, autoincrement=True, nullable=False),
        sa.Column("stand_in", sa.Text, nullable=False),
        sa.Column("rewritten", sa.JSON, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    for table in ("looks", "landings"):
        op.create_index(f"ix_{table}_facts_digest", table, ["facts_digest"])
