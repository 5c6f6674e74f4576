"""The chain that seals receipts and landings. Frozen, as all are.

What was there before is not sealed afterwards: nobody could say any more that it is unchanged.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "links",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_links")),
        sa.UniqueConstraint("kind", "row", name=op.f("uq_links_kind_row")),
    )
    op.create_table(
        "chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("receipts_before", sa.BigInteger(), nullable=False),
        sa.Column("landings_before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain")),
    )
    op.execute(
        "INSERT INTO chain (id, seq, hash, receipts_before, landings_before) VALUES (1, 0, '',"
        " (SELECT COALESCE(MAX(id), 0) FROM receipts),"
        " (SELECT COALESCE(MAX(id), 0) FROM landings))"
    )
