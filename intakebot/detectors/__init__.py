"""What is looked for in the files themselves: one detector a file, one line here.

`detect` takes the path and the content of one file, and yields (line, what is there), line 0 for
the file as a whole. It is pure, reads untrusted bytes, takes linear time and a few times the memory
of the content. `suspects` is a quick look that is False for most files; True only means that
`detect` has to look. One that is `lasting` is looked for in every commit, since what was put in and
taken out again is still in the history. Of one that tells of `growth` only what a change brings
more of than it takes away is told. What is found becomes the fact of the detector's name, on
which a rule in `rules/` decides, and a finding (docs/detectors.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from intakebot.detectors import (
    archives,
    hidden_characters,
    pointers,
    programs,
    secrets,
    suppressions,
)
from intakebot.model import Level


@dataclass(frozen=True, slots=True)
class Detector:
    suspects: Callable[[bytes], bool]
    detect: Callable[[str, bytes], Iterator[tuple[int, str]]]
    lasting: bool = False
    growth: bool = False
    level: Level = Level.ERROR  # of its findings; what they mean for the change is the rule's


DETECTORS: Mapping[str, Detector] = {
    "archives": Detector(archives.suspects, archives.detect),
    "hidden_characters": Detector(hidden_characters.suspects, hidden_characters.detect),
    "pointers": Detector(pointers.suspects, pointers.detect),
    "programs": Detector(programs.suspects, programs.detect),
    "secrets": Detector(secrets.suspects, secrets.detect, lasting=True),
    "suppressions": Detector(
        suppressions.suspects, suppressions.detect, growth=True, level=Level.NOTE
    ),
}
