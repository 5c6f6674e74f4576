"""Named steps at which a test may kill the process, to show that nothing is lost there.

`INTAKEBOT_CRASH=name:n` kills this process with SIGKILL the n-th time it passes
`crashpoint("name")`. With `INTAKEBOT_CRASH=name:n@FILE` it happens only while FILE does not
exist, and makes FILE first, so that a supervised process comes back for good.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passes: Counter[str] = Counter()


def crashpoint(name: str) -> None:
    wanted = os.environ.get("INTAKEBOT_CRASH")
    if not wanted:
        return
    plan, _, flag = wanted.partition("@")
    step, _, count = plan.partition(":")
    if step != name:
        return
    _passes[name] += 1
    if _passes[name] != int(count or 1):
        return
    if flag:
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
