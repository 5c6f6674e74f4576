"""The forge's refusals in somebody else's bare repository: `intakebot git-hook install PATH`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from intakebot.gitforge.hosting import hook_script, replace
from intakebot.gitforge.plumbing import Git
from intakebot.gitforge.repositories import valid_branch
from intakebot.gitforge.store import ForgeError

_OURS = "intakebot.gitforge.hooks.elsewhere"
_CALL = f"from {_OURS} import main; main()"


def install(
    repository: Path, *, protected: Sequence[str], allow: Sequence[str], fork_url: str
) -> list[str]:
    """Answers a line for each thing done; a second time with the same wishes does nothing.

    `fork_url` is a template with {login} and {repo}; `allow` are the logins that land.
    """
    repository = repository.absolute()
    _check(repository, protected, fork_url)
    hook = _hooks_folder(repository) / "pre-receive"
    if os.path.lexists(hook) and _OURS not in hook.read_text("utf-8", "replace"):
        raise ForgeError(
            f"{hook}: there is a pre-receive hook already and it is not ours;"
            " move it away, or call ours from it"
        )
    settings = repository / "intakebot-hook.json"
    wanted = {"protected": list(protected), "allow": list(allow), "fork_url": fork_url}
    done: list[str] = []
    for path, text, mode in (
        (settings, json.dumps(wanted, indent=2) + "\n", 0o644),
        (hook, hook_script(_CALL), 0o755),
    ):
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(exist_ok=True)
            replace(path, text, mode)
            done.append(f"wrote {path}")
    return done or [f"{repository} is set up already"]


def _check(repository: Path, protected: Sequence[str], fork_url: str) -> None:
    if not (repository / "HEAD").is_file() or not (repository / "objects").is_dir():
        raise ForgeError(
            f"{repository}: not a bare Git repository; give the folder with HEAD in it"
        )
    wrong = [name for name in protected if not valid_branch(name)]
    if wrong or not protected:
        raise ForgeError(f"protected {wrong}: name at least one branch, without refs/heads/")
    try:
        fork_url.format(login="ada", repo="site")
    except (KeyError, IndexError, ValueError):
        raise ForgeError(
            f"fork_url {fork_url!r}: only {{login}} and {{repo}} may be in it"
        ) from None


def _hooks_folder(repository: Path) -> Path:
    """core.hooksPath moves it; relative ones start at the repository."""
    configured = Git(repository, None).run("config", "core.hooksPath", ok=(0, 1)).rstrip("\n")
    return repository / (configured or "hooks")
