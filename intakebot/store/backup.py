"""A copy of the whole database, made before its schema is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from intakebot.model import OperatorError
from intakebot.store.database import Database, parse
from intakebot.store.sqlite import file_of

# What pg_dump may need of our environment to reach the server; the rest holds our secrets.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL")
LONGEST = 3600  # seconds
HOW_WITHOUT = "make a backup your own way and run: intakebot migrate --no-backup"


def make(database: Database, folder: Path, now: datetime) -> Path:
    """Beside a SQLite file, else in `folder`; readable by us alone. Raises OperatorError."""
    file = file_of(database.url)
    if file is not None:
        target = file.with_name(f"{file.name}.{now:%Y%m%dT%H%M%S}.backup")
        target.touch(mode=0o600)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
        return target
    return _dump(parse(database.url), folder / f"intakebot.{now:%Y%m%dT%H%M%S}.pgdump")


def _dump(url: sa.URL, target: Path) -> Path:
    """In pg_dump's own format, which pg_restore reads. The password is in no argument."""
    program = shutil.which("pg_dump")
    if program is None:
        raise OperatorError(
            "the database can't be backed up before its schema changes: pg_dump is missing; "
            f"run: apt-get install postgresql-client, or {HOW_WITHOUT}"
        )
    unfinished = target.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    done = subprocess.run(
        [program, "--format=custom", f"--file={unfinished}", f"--dbname={_without_password(url)}"],
        env=_environment(url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode != 0:
        unfinished.unlink()
        raise OperatorError(
            f"the database can't be backed up before its schema changes: {done.stderr.strip()}; "
            f"mend it, or {HOW_WITHOUT}"
        )
    return unfinished.rename(target)


def _without_password(url: sa.URL) -> str:
    return sa.URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.difference_update_query(["password"]).query,
    ).render_as_string(hide_password=False)


def _environment(url: sa.URL) -> dict[str, str]:
    wanted = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith("PG")
    }
    password = url.password or url.query.get("password")
    return {**wanted, **({"PGPASSWORD": str(password)} if password else {})}
