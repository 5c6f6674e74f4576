"""Default reviewers of a repository; a project's are not kept here."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import shapes
from intakebot.world.bitbucket_cloud.api.call import (
    ADMIN_REPO,
    READ_PULL,
    REPO,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.refusal import Refusal

_ONE = f"{REPO}/default-reviewers/<target_username>"


def listing(call: Call) -> Answer:
    repo = call.repo()
    return call.page([shapes.account(call.view, one) for one in repo.default_reviewers])


def effective(call: Call) -> Answer:
    repo = call.repo()
    found = [
        {
            "type": "default_reviewer",
            "reviewer_type": "repository",
            "user": shapes.account(call.view, one),
        }
        for one in repo.default_reviewers
    ]
    return call.page(found)


def add(call: Call) -> Answer:
    repo = call.repo("admin")
    user = call.state.user(call.args["target_username"]).uuid
    if user not in repo.default_reviewers:
        repo.default_reviewers.append(user)
    return Answer(200, shapes.account(call.view, user))


def remove(call: Call) -> Answer:
    repo = call.repo("admin")
    user = call.state.user(call.args["target_username"]).uuid
    if user not in repo.default_reviewers:
        raise Refusal(404, "Not a default reviewer")
    repo.default_reviewers.remove(user)
    return Answer(204)


ROUTES = (
    Route("GET", f"{REPO}/default-reviewers", listing, READ_PULL),
    Route("GET", f"{REPO}/effective-default-reviewers", effective, READ_PULL),
    Route("PUT", _ONE, add, ADMIN_REPO),
    Route("DELETE", _ONE, remove, ADMIN_REPO),
)
