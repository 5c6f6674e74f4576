"""Pull requests from before the house looked, and how far reading them has come. Frozen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    wide = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "past_pulls",
        sa.Column("id", wide, autoincrement=True, nullable=False),
        sa.Column("repo_id", wide, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("author_id", "author_login", "title", "url")
        ),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("merged", "from_fork", "asked")),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("pushes", "talk")),
        sa.Column("green", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name="pk_past_pulls"),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name="fk_past_pulls_repo_id"),
        sa.UniqueConstraint("repo_id", "number", name="uq_past_pulls_repo_id_number"),
    )
    op.create_table(
        "backfills",
        sa.Column("repo_id", wide, nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("next", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("repo_id", name="pk_backfills"),
        sa.ForeignKeyConstraint(["repo_id"], ["repos.id"], name="fk_backfills_repo_id"),
    )
