"""How reviews ended, what people decide and say about an agency, and lists of many pull requests.

Frozen, as all are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

INDEXES = (
    ("pulls", ("author_id",)),
    ("pulls", ("open", "id")),
    ("pulls", ("state", "open", "id")),
    ("pulls", ("repo_id", "state")),
    ("landings", ("repo_id", "branch", "id")),
)


def upgrade() -> None:
    op.add_column("happenings", sa.Column("state", sa.Text, nullable=False, server_default=""))
    wide = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "decisions",
        sa.Column("id", wide, autoincrement=True, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("agency", "verdict", "reason", "advice", "inputs", "by")
        ),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_agency", "decisions", ["agency", "id"])
    op.create_table(
        "remarks",
        sa.Column("id", wide, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("agency", "text", "by")),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_remarks"),
    )
    op.create_index("ix_remarks_agency", "remarks", ["agency", "id"])
    for table, columns in INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    troubled = sa.text("problem != ''")
    op.create_index(
        "ix_pulls_problem", "pulls", ["id"], sqlite_where=troubled, postgresql_where=troubled
    )
