"""Merge a pull request: at once, or after a 202 with a place to ask how it went."""

from __future__ import annotations

from intakebot.world.bitbucket_cloud import landing, permissions, pull_shapes, pulls, pushes
from intakebot.world.bitbucket_cloud.api.call import (
    PULL,
    READ_PULL,
    WRITE_PULL,
    Answer,
    Call,
    Route,
)
from intakebot.world.bitbucket_cloud.pull_state import Pull
from intakebot.world.bitbucket_cloud.refusal import Refusal
from intakebot.world.bitbucket_cloud.shapes import STRATEGIES
from intakebot.world.bitbucket_cloud.state import Repository, Task


def merge(call: Call) -> Answer:
    """No head can be named: whatever is there now is merged."""
    repo = call.repo("write")
    pull = call.pull(repo)
    _allowed(call, repo, pull, call.user)
    polls = call.site.choices.slow_merge_polls
    if polls or call.query.get("async") == "true":
        task = Task(call.site.state.new_uuid().strip("{}"), repo.uuid, pull.id, polls)
        task.user = call.user
        task.asked = call.body if isinstance(call.body, dict) else {}
        call.site.state.tasks[task.id] = task
        return Answer(202, headers={"Location": _place(call, repo, pull, task)})
    asked = call.body if isinstance(call.body, dict) else {}
    _merged(call, repo, pull, asked, call.user)
    return Answer(200, pull_shapes.pull(call.view, repo, pull))


def _allowed(call: Call, repo: Repository, pull: Pull, user: str) -> None:
    if pull.state != "OPEN":
        raise Refusal(400, "This pull request is already closed.")
    if pull.draft:
        raise Refusal(400, "You can't merge a draft pull request.")
    if pull.source_repository is None:
        raise Refusal(400, "The source repository is gone.")
    branch = pull.destination_branch
    if not permissions.let_through(call.state, repo, user, "restrict_merges", branch):
        raise Refusal(403, f"You don't have permission to merge into {branch}.")


def _merged(call: Call, repo: Repository, pull: Pull, asked: dict[str, object], user: str) -> None:
    strategy = str(asked.get("merge_strategy") or repo.default_merge_strategy)
    if strategy not in STRATEGIES:
        raise Refusal(400, f"merge_strategy: {strategy} is not allowed for this branch")
    usual = f"Merged in {pull.source_branch} (pull request #{pull.id})\n\n{pull.title}"
    site, by, head = call.site, call.site.state.users[user], pull.source_commit
    old = repo.refs.get(f"refs/heads/{pull.destination_branch}", "")
    message = str(asked.get("message") or usual)
    made = landing.build(site.disk, repo, pull, strategy, message, by)
    site.mischief.run_callbacks(f"{call.method} {call.path}", during=True)
    if pull.source_commit != head or pull.state != "OPEN":
        raise Refusal(409, landing.MOVED)
    landing.move(site.disk, repo, pull, made, old)
    pulls.merged(site, repo, pull, made, user)
    pushes.notice(site, repo, user)
    if asked.get("close_source_branch", pull.close_source_branch):
        _close_source(call, pull)


def _close_source(call: Call, pull: Pull) -> None:
    source = call.state.repositories.get(pull.source_repository or "")
    ref = f"refs/heads/{pull.source_branch}"
    if source is not None and source.refs.get(ref) == pull.source_commit:
        path = call.site.disk.path(source.uuid)
        call.site.disk.run(path, "update-ref", "-d", ref, pull.source_commit)
        pushes.notice(call.site, source, call.user)


def _place(call: Call, repo: Repository, pull: Pull, task: Task) -> str:
    name = call.state.full_name(repo)
    return f"{call.view.api}/repositories/{name}/pullrequests/{pull.id}/merge/task-status/{task.id}"


def task_status(call: Call) -> Answer:
    """The work is done when the last PENDING has been said; a failure is told ever after."""
    repo = call.repo()
    pull = call.pull(repo)
    task = call.site.state.tasks.get(call.args["task_id"])
    if task is None or (task.repository, task.pull) != (repo.uuid, pull.id):
        raise Refusal(400, "The task does not belong to this pull request.")
    links = {"self": {"href": _place(call, repo, pull, task)}}
    if task.polls > 0:
        task.polls -= 1
        return Answer(200, {"task_status": "PENDING", "links": links})
    if task.status == 200 and not task.done:
        try:
            _allowed(call, repo, pull, task.user)
            _merged(call, repo, pull, task.asked, task.user)
        except Refusal as no:
            task.status, task.message = no.status, no.message
        task.done = True
    if task.status != 200:
        raise Refusal(task.status, task.message)
    result = pull_shapes.pull(call.view, repo, pull)
    return Answer(200, {"task_status": "SUCCESS", "links": links, "merge_result": result})


ROUTES = (
    Route("POST", f"{PULL}/merge", merge, WRITE_PULL),
    Route("GET", f"{PULL}/merge/task-status/<task_id>", task_status, READ_PULL),
)
