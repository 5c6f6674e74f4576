"""How a landing was made, and with which tools its checks ran. Frozen, as all are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column(
        "landings", sa.Column("method", sa.Text(), server_default="merge", nullable=False)
    )
    op.add_column(
        "landings", sa.Column("tools_digest", sa.Text(), server_default="", nullable=False)
    )
