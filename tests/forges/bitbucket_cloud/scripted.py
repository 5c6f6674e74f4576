"""An API that answers as told, for what no well-behaved product does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.forges.serving import Asked, Say, serving

__all__ = ["Say", "Script", "scripted"]


@dataclass
class Script:
    """The next answers, the last of which is said again and again, and what was asked."""

    answers: list[Say]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)  # Authorization of each request
    bodies: list[bytes] = field(default_factory=list)

    def answer(self, asked: Asked) -> Say:
        self.asked.append(asked.call)
        self.shown.append(asked.headers.get("Authorization", ""))
        self.bodies.append(asked.body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def scripted(*answers: Say) -> Iterator[Script]:
    script = Script(list(answers))
    with serving(script.answer) as url:
        script.url = f"{url}/2.0"
        yield script
