"""What is counted says whom it relied on, so that it is counted anew for them alone. Frozen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("DELETE FROM counted")  # nobody can tell of these; they are counted again
    op.add_column("counted", sa.Column("relied", sa.Text, nullable=False, server_default=""))
