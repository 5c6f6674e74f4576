"""The files around the repositories: git's configuration and the hook scripts."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import intakebot
from intakebot.gitforge.layout import Layout
from intakebot.gitforge.store import ForgeError
from intakebot.gitforge.talk import HOOK

HOOKS = ("pre-receive", "post-receive")
LARGEST_PUSH = 2 * 1024**3  # bytes

_CONFIG = """\
[safe]
	directory = *
[core]
	hooksPath = {hooks}
	bigFileThreshold = 1m
	protectNTFS = true
	protectHFS = true
	alternateRefsPrefixes = refs/heads/
[gc]
	auto = 0
	pruneExpire = never
[maintenance]
	auto = false
[pack]
	writeReverseIndex = true
[receive]
	autogc = false
	fsckObjects = true
	maxInputSize = {limit}
	advertisePushOptions = true
[receive "fsck"]
	hasDot = error
	hasDotdot = error
	hasDotgit = error
	fullPathname = error
	nullSha1 = error
	gitmodulesSymlink = error
[uploadpack]
	allowFilter = true
[http]
	getanyfile = false
	uploadpack = true
	receivepack = true
"""


def package_root() -> Path:
    """The folder that `intakebot` is imported from."""
    return Path(intakebot.__file__).resolve().parent.parent


def hook_script(call: str) -> str:
    """Isolated from the pusher's and the site's Python; the package comes last on the path."""
    program = f"import sys; sys.path.append({str(package_root())!r}); {call}"
    return f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S -c {shlex.quote(program)}\n"


def write_files(layout: Layout) -> None:
    """Safe to repeat, also under a running server: each file is replaced whole."""
    layout.hooks.mkdir(parents=True, exist_ok=True)
    layout.root.mkdir(parents=True, exist_ok=True)
    quoted = str(layout.hooks.absolute()).replace("\\", "\\\\").replace('"', '\\"')
    replace(layout.gitconfig, _CONFIG.format(hooks=f'"{quoted}"', limit=LARGEST_PUSH), 0o600)
    for hook in HOOKS:
        replace(layout.hooks / hook, HOOK.format(hook=hook), 0o700)


def check_hooks(layout: Layout) -> None:
    """Git would let a push in when a hook is missing; we do not."""
    for hook in HOOKS:
        if not os.access(layout.hooks / hook, os.X_OK):
            raise ForgeError(f"{layout.hooks / hook}: missing; run GitForge.migrate()")


def replace(path: Path, text: str, mode: int) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)
