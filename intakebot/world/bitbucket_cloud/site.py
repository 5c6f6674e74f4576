"""The product's inside: state, repositories, clock, deliveries and the log, without a server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from intakebot.world.bitbucket_cloud.disk import Disk
from intakebot.world.bitbucket_cloud.mischief import Mischief
from intakebot.world.bitbucket_cloud.moments import Moments, Now
from intakebot.world.bitbucket_cloud.sender import Delivery, Sender
from intakebot.world.bitbucket_cloud.shapes import View, account, repository
from intakebot.world.bitbucket_cloud.state import Repository, State


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call. `by` is a nickname, "" for nobody; `token` tells two tokens of one person apart.

    `method` is a verb of HTTP, or git-fetch and git-push, whose `detail` names the changed refs.
    A status of 0 is a connection that was cut.
    """

    method: str
    path: str
    status: int
    by: str = ""
    token: str = ""
    query: str = ""
    detail: str = ""
    done: bool = True  # False: answered or cut by mischief before the work


@dataclass(slots=True)
class Choices:
    """What nobody could verify about the product, so that both ways can be tried."""

    fork_statuses: int = 201  # or 403, 404: a status on a commit that only a fork holds
    fork_commits: int = 200  # or 404: GET commit of such a commit in the main repository
    slow_merge_polls: int = 0  # a merge answers 202, and PENDING so many times


class Site:
    def __init__(self, folder: Path, now: Now) -> None:
        self.lock = RLock()
        self.state = State()
        self.disk = Disk(folder)
        self.moments = Moments(now)
        self.sender = Sender()
        self.mischief = Mischief(self.state, self.lock)
        self.choices = Choices()
        self.api = ""
        self.pages = ""
        self.log: list[Recorded] = []

    def view(self, state: State | None = None) -> View:
        return View(state or self.state, self.api, self.pages)

    def record(self, one: Recorded) -> None:
        with self.lock:
            self.log.append(one)

    def announce(self, event: str, repo: Repository, actor: str, body: dict[str, Any]) -> None:
        """To each active hook of the repository and its workspace that asked for the event."""
        view = self.view()
        whole = {"repository": repository(view, repo), "actor": account(view, actor), **body}
        text = json.dumps(whole).encode()
        place = self.state.workspaces[repo.workspace]
        for uuid in [*repo.hooks, *place.hooks]:
            hook = self.state.hooks[uuid]
            if hook.active and event in hook.events:
                self.sender.put(Delivery(uuid, hook.url, event, text, hook.secret))
