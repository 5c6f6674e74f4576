"""What each look tells of each check, and on which tree it ran. Frozen, as all are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("looks", sa.Column("checks", sa.JSON(none_as_null=True), nullable=True))
