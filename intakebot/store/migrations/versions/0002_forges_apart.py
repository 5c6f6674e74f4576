"""Forges that keep no keys, connections, lanes that are stuck or frozen. Frozen, as all are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("stuck", "tip", "frozen"):
        op.add_column("lanes", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("incidents", sa.Column("acknowledged_at", sa.BigInteger(), nullable=True))
    op.add_column(
        "incidents", sa.Column("acknowledged_by", sa.Text(), server_default="", nullable=False)
    )
    op.create_table(
        "marks",
        sa.Column("pull_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("comment_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["pull_id"], ["pulls.id"], name=op.f("fk_marks_pull_id")),
        sa.PrimaryKeyConstraint("pull_id", "comment_id", name=op.f("pk_marks")),
    )
    op.create_table(
        "connections",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("forge", sa.Text(), nullable=False),
        sa.Column("forge_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("intake", sa.Text(), nullable=False),
        sa.Column("deploy", sa.Text(), nullable=False),
        sa.Column("hook_nonce", sa.Text(), nullable=False),
        sa.Column("hook_id", sa.Text(), server_default="", nullable=False),
        sa.Column("changes", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("connected_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("forge", "forge_id", name=op.f("uq_connections_forge_forge_id")),
    )
