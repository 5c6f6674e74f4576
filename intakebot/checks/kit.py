"""What checks can call on this machine: found, built into a folder, installed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from intakebot.checks import tools
from intakebot.checks.toolbox import Toolbox, build_toolbox, find_tools
from intakebot.checks.tools import Lock
from intakebot.core.checkfile import Toolset, read_presets
from intakebot.settings import preset_files


@dataclass(frozen=True, slots=True)
class Tools:
    """What checks can call on this machine, below `folder` and elsewhere on it."""

    folder: Path
    locks: Mapping[str, Lock]

    def find(self) -> Toolbox:
        return find_tools(self.folder, self.locks)

    def toolset(self) -> Toolset:
        """Presets decide what runs as much as the tools do, so the digest names both."""
        found, files = self.find(), preset_files()
        text = "\n".join((found.digest, *(files[name] for name in sorted(files))))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return Toolset(digest, found.names, read_presets(files))

    def build(self) -> Path:
        return build_toolbox(self.folder, self.find())

    def installed(self) -> Mapping[str, Path]:
        return tools.installed(self.folder, self.locks.values())

    def install(self, preset: str, say: Callable[[str], None]) -> Path:
        return tools.install(self.folder, self.locks[preset], say)

    def brings(self, preset: str, tool: str) -> bool:
        """Whether a lock names a package that is called like the tool, or after it."""
        lock = self.locks.get(preset)
        return lock is not None and lock.names(tool)
