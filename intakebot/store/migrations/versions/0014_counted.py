"""What pull requests that are over came to in reports, until their evidence changes. Frozen.

The triggers stand for every writer, those included that do not know of reports.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

# What a pull request comes to is read from these, by pull_id.
EVIDENCE = ("looks", "first_verdicts", "happenings", "words", "opinions", "landings")
OF_PULL = ("repo_id", "number", "author_id", "title", "first_seen_at", "looked_at", "state", "open")
OF_REPO = ("forge", "name")

FORGET = "DELETE FROM counted WHERE pull_id"
IN_REPO = f"{FORGET} IN (SELECT id FROM pulls WHERE repo_id = NEW.id)"  # noqa: S608 - words of ours
BY_FACTS = f"{FORGET} IN (SELECT pull_id FROM looks WHERE facts_digest = NEW.digest)"  # noqa: S608 - as above


def upgrade() -> None:
    wide = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "counted",
        sa.Column("pull_id", wide, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pull_id", name="pk_counted"),
        sa.ForeignKeyConstraint(["pull_id"], ["pulls.id"], name="fk_counted_pull_id"),
    )
    op.create_index("ix_landings_pull_id", "landings", ["pull_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        _sqlite()
    else:
        _postgresql()


def _sqlite() -> None:
    for table in EVIDENCE:
        for name, events in (("INSERT", ["NEW"]), ("UPDATE", ["OLD", "NEW"]), ("DELETE", ["OLD"])):
            which = ", ".join(f"{row}.pull_id" for row in events)
            op.execute(
                f"CREATE TRIGGER counted_{table}_{name.lower()} AFTER {name} ON {table}"
                f" BEGIN {FORGET} IN ({which}); END"
            )
    op.execute(
        f"CREATE TRIGGER counted_pulls AFTER UPDATE OF {', '.join(OF_PULL)} ON pulls"
        f" BEGIN {FORGET} = NEW.id; END"
    )
    op.execute(
        f"CREATE TRIGGER counted_repos AFTER UPDATE OF {', '.join(OF_REPO)} ON repos"
        f" BEGIN {IN_REPO}; END"
    )
    op.execute(f"CREATE TRIGGER counted_facts AFTER UPDATE ON facts BEGIN {BY_FACTS}; END")


def _postgresql() -> None:
    _function(
        "evidence",
        f"IF TG_OP <> 'INSERT' THEN {FORGET} = OLD.pull_id; END IF;"
        f" IF TG_OP <> 'DELETE' THEN {FORGET} = NEW.pull_id; END IF;",
    )
    _function("pulls", f"{FORGET} = NEW.id;")
    _function("repos", f"{IN_REPO};")
    _function("facts", f"{BY_FACTS};")
    for table in EVIDENCE:
        _trigger(table, "INSERT OR UPDATE OR DELETE", "evidence")
    _trigger("pulls", f"UPDATE OF {', '.join(OF_PULL)}", "pulls")
    _trigger("repos", f"UPDATE OF {', '.join(OF_REPO)}", "repos")
    _trigger("facts", "UPDATE", "facts")


def _function(name: str, does: str) -> None:
    op.execute(
        f"CREATE FUNCTION counted_forget_{name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {does} RETURN NULL; END $$"
    )


def _trigger(table: str, event: str, function: str) -> None:
    op.execute(
        f"CREATE TRIGGER counted_{table} AFTER {event} ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION counted_forget_{function}()"
    )
