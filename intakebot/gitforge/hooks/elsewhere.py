"""The pre-receive hook that foreign.py installs in somebody else's repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from intakebot.gitforge.hooks import words
from intakebot.gitforge.hooks.decide import Rights, Update, parse, refuse
from intakebot.gitforge.plumbing import ZERO, Git
from intakebot.gitforge.store import ForgeError

# Where servers put the pusher's login, the most trustworthy first.
_LOGINS = ("REMOTE_USER", "GL_USERNAME", "GITEA_PUSHER_NAME", "USER")


def main() -> None:
    """Whatever goes wrong refuses the push, in a sentence."""
    try:
        updates = [parse(line) for line in sys.stdin]
        sys.exit(_judge(updates))
    except (ForgeError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        words.say([f"intakebot: its hook could not judge this push: {error}"])
        sys.exit(1)


def _judge(updates: list[Update]) -> int:
    here = Path.cwd()
    settings = json.loads((here / "intakebot-hook.json").read_text("utf-8"))
    login = next((os.environ[name] for name in _LOGINS if os.environ.get(name)), "")
    lands = login in settings["allow"]
    rights = Rights(frozenset(settings["protected"]), land=lands, write=True)
    git = Git(here, None)

    def rewrites(update: Update) -> bool:
        return update.old != ZERO and not git.contains(update.new, update.old)

    refused = [no for update in updates if (no := refuse(update, rights, rewrites))]
    if not refused:
        return 0
    name = here.name.removesuffix(".git")
    url = settings["fork_url"].format(login=quote(login, safe=""), repo=quote(name, safe=""))
    place = words.Place(name, url if login else "", "", lambda _branch: None)
    words.say(words.refusal_text(refused, rights, place, git))
    return 1
