"""Our copy of one main repository with the heads of its pull requests: a cache.

It is a bare repository that can be deleted at any time. Only exact object ids are fetched, each
into a ref of ours (`refs/intake/...`), so that nothing a fork calls its branches or tags, and no
replace ref, ever enters.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from intakebot.crash import crashpoint
from intakebot.model import OperatorError, TryLater
from intakebot.repo.git import (
    NO_ACCESS,
    Credential,
    Git,
    GitFailed,
    Limits,
    branch_ref,
    full_id,
)

FETCH = Limits(memory=4 << 30)  # the objects of a large repository are many
GONE = re.compile(r"not our ref|unadvertised object|no such remote ref", re.IGNORECASE)
UNANSWERED = re.compile(r"unable to access|RPC failed")  # unless it goes on to name a status
AGAIN = (0.3, 0.6)  # seconds before a read whose answer was lost is sent again


class Unreadable(OperatorError):
    """The bot may not read this repository, or it is gone."""


class NoSuchCommit(TryLater):
    """The repository is readable, but no longer has the commit."""


@dataclass(frozen=True, slots=True)
class Mirror:
    folder: Path
    credential: Credential | None = None
    limits: Limits = FETCH
    wait: Callable[[float], None] = time.sleep

    @property
    def git(self) -> Git:
        return Git(self.folder, self.credential)

    def fetch(self, url: str, commit: str, name: str) -> None:
        """Have `commit` from `url`, kept by `refs/intake/<name>/<commit>`.

        Raises Unreadable, NoSuchCommit, or TryLater.
        """
        ref = f"refs/intake/{name}/{full_id(commit)}"
        if self._is_kept(ref, commit):
            return
        with self._locked():
            self._make()
            if self._is_kept(ref, commit) or (self._is_packed() and self._has(ref, commit)):
                return  # somebody else has fetched it meanwhile, or packed the refs
            try:
                Git(self.folder, self.credential, self.limits).run(
                    "fetch",
                    "--quiet",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--no-recurse-submodules",
                    "--no-auto-maintenance",
                    "--end-of-options",
                    url,
                    f"+{commit}:{ref}",
                )
            except GitFailed as error:
                raise _explained(error, url) from error
            finally:
                self._clear_away()
            crashpoint("fetch.after_ref_update")
            if not (self._is_kept(ref, commit) or self._has(ref, commit)):
                raise TryLater(f"{url} sent something else than {commit}", after=30)

    def keep(self, commit: str, name: str) -> str:
        """Keep a commit that is here under `refs/intake/<name>/<commit>`; returns the ref."""
        ref = f"refs/intake/{name}/{full_id(commit)}"
        with self._locked():
            self.git.run("update-ref", "--end-of-options", ref, commit)
        return ref

    def tips(self, url: str, branches: Sequence[str]) -> dict[str, str]:
        """Branch -> commit, as the served repository has them now; missing ones left out."""
        if not self._is_made():  # its lock may be held by a long fetch
            with self._locked():
                self._make()
        refs = {branch: branch_ref(branch) for branch in branches}
        found = self._listed(url, list(refs.values()))
        if len(found) < len(refs):
            found = self._listed_for_sure(url, list(refs.values()))
        return {branch: found[ref] for branch, ref in refs.items() if ref in found}

    def _listed(
        self, url: str, refs: Sequence[str], env: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        git = Git(self.folder, self.credential, Limits(seconds=30))
        waits = iter(AGAIN)
        while True:
            try:
                out = git.run("ls-remote", "--end-of-options", url, *refs, env=env)
            except GitFailed as error:
                pause = next(waits, None) if _was_unanswered(error) else None
                if pause is None:
                    raise _explained(error, url) from error
                self.wait(pause)
            else:
                return {ref: commit for commit, ref in map(_two, out.decode().splitlines())}

    def _listed_for_sure(self, url: str, refs: Sequence[str]) -> dict[str, str]:
        """Asked once more, with a look at how it was answered.

        A page for people, from a proxy or a forge under maintenance, is to git an old server
        without any branch. Whoever speaks git's own protocol sends packets, also of nothing.
        """
        with tempfile.TemporaryDirectory() as folder:
            packets = Path(folder) / "packets"
            found = self._listed(url, refs, {"GIT_TRACE_PACKET": str(packets)})
            if not packets.exists():
                raise TryLater(f"{url} answers with a page, not as a Git server", after=15)
        return found

    def _is_kept(self, ref: str, commit: str) -> bool:
        """As `fetch` leaves it, seen without a process. False also where refs are packed."""
        try:
            return (self.folder / ref).read_text("ascii") == f"{commit}\n"
        except OSError:
            return False

    def _is_packed(self) -> bool:
        return (self.folder / "packed-refs").exists()

    def _has(self, ref: str, commit: str) -> bool:
        try:
            found = self.git.run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        except GitFailed:
            return False
        return found.decode().strip() == commit

    def _clear_away(self) -> None:
        """What this fetch left unfinished, or one before it that was killed: git never does."""
        for left in (self.folder / "objects" / "pack").glob("tmp_*"):
            left.unlink(missing_ok=True)

    def _is_made(self) -> bool:
        return (self.folder / "HEAD").exists()

    def _make(self) -> None:
        """Make the bare repository in one step, so that a kill leaves it whole or absent."""
        if self._is_made():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        new = self.folder.with_name(f".{self.folder.name}.{secrets.token_hex(4)}")
        subprocess.run(
            ["git", "init", "--quiet", "--bare", "--template=", str(new)],
            check=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/"},
        )
        shutil.rmtree(self.folder, ignore_errors=True)
        os.rename(new, self.folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One fetch at a time in a mirror, also across processes; a kill releases it."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with open(self.folder.with_name(f".{self.folder.name}.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _two(line: str) -> tuple[str, str]:
    commit, _, ref = line.partition("\t")
    return commit, ref


def _was_unanswered(error: GitFailed) -> bool:
    return bool(UNANSWERED.search(error.text)) and "returned error" not in error.text


def _explained(error: GitFailed, url: str) -> Exception:
    if GONE.search(error.text):
        return NoSuchCommit(error.text)
    if NO_ACCESS.search(error.text):
        return Unreadable(f"{url}: {error.text}; give the bot's token access to it")
    return TryLater(f"{url}: {error.text}", after=15)
