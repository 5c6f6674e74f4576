"""Does one effect. A request whose answer is lost is never sent again here: the caller reads the
pull request first, and finds what was done by its footer, its status or its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intakebot.core import marks
from intakebot.forges.api import Refused
from intakebot.forges.bitbucket_cloud.answers import one_object, values_of
from intakebot.forges.bitbucket_cloud.http import Answer, Api, reason
from intakebot.forges.bitbucket_cloud.posted import Posted
from intakebot.forges.bitbucket_cloud.reports import put_report
from intakebot.forges.bitbucket_cloud.shapes import part, text
from intakebot.forges.bitbucket_cloud.statuses import Statuses
from intakebot.model import (
    Decline,
    EditComment,
    Effect,
    InlineNote,
    PostComment,
    PostInline,
    Pull,
    PutReport,
    ResolveInline,
    ReviewState,
    SetReview,
    SetStatus,
    TryLater,
)

REVIEWS: Mapping[ReviewState, str] = {
    "approved": "approve",
    "changes_requested": "request-changes",
}


@dataclass(frozen=True, slots=True)
class Effects:
    """On one pull request: `path` is its own, `places` are repositories that may know its head."""

    api: Api
    statuses: Statuses
    posted: Posted
    pull: Pull
    path: str
    places: Sequence[str]

    def perform(self, effect: Effect) -> str | None:
        match effect:
            case PostComment(key, words):
                return self._post(key, {"content": _signed(words, key)})
            case EditComment(key, comment, words):
                self._edit(comment, {"content": _signed(words, key)})
            case PostInline(note):
                return self._inline(note)
            case ResolveInline(_, comment):
                self._resolve(comment)
            case SetStatus(head, status):
                self.statuses.write(self.pull, self.places, head, status)
            case SetReview(_, state):
                self._review(state)
            case PutReport(head, report):
                put_report(self.api, self.pull, self.places, head, report)
            case Decline():
                self._decline()
        return None

    def _post(self, key: str, body: Mapping[str, object]) -> str:
        known = self.posted.standing(self.pull, self.path, key)
        if known is not None:
            return known
        made = _id(self._comment("POST", "comments", body))
        self.posted.keep(self.pull, key, made)
        return made

    def _comment(self, method: str, path: str, body: Mapping[str, object]) -> Answer:
        whole = {"type": "pullrequest_comment", **body}
        return self.api.ask(method, f"{self.path}/{path}", whole, accept=(400, 404))

    def _edit(self, comment: str, body: Mapping[str, object]) -> None:
        answer = self._comment("PUT", f"comments/{comment}", body)
        if answer.status == 404:
            raise TryLater(f"comment {comment} is gone from {self.pull.url}; reading again")
        _must_be_done(answer, "the comment")

    def _inline(self, note: InlineNote) -> str:
        anchor: dict[str, object] = {"path": note.path}
        if note.line:
            anchor["to"] = note.line
        return self._post(note.key, {"content": _signed(note.text, note.key), "inline": anchor})

    def _resolve(self, comment: str) -> None:
        """409: it is resolved; 404: it was deleted. Either way it is out of the way."""
        path = f"{self.path}/comments/{comment}/resolve"
        answer = self.api.ask("POST", path, accept=(403, 404, 409))
        if answer.status == 403:
            raise Refused(f"Bitbucket Cloud won't resolve comment {comment}: {reason(answer)}")

    def _review(self, wanted: ReviewState | None) -> None:
        had = self.pull.review
        if had is not None and had != wanted:
            answer = self.api.ask(
                "DELETE", f"{self.path}/{REVIEWS[had]}", accept=(400, 403, 404, 409)
            )
            self._must_be_taken(answer, allowed=(404, 409))
        if wanted is not None:
            answer = self.api.ask(
                "POST", f"{self.path}/{REVIEWS[wanted]}", accept=(400, 403, 404, 409)
            )
            self._must_be_taken(answer, allowed=(409,))

    def _must_be_taken(self, answer: Answer, allowed: Sequence[int]) -> None:
        if answer.status >= 400 and answer.status not in allowed:
            raise Refused(
                f"Bitbucket Cloud takes no review by the bot ({answer.status}) {reason(answer)}"
            )

    def _decline(self) -> None:
        answer = self.api.ask("POST", f"{self.path}/decline", accept=(400, 404, 409))
        if answer.status >= 400 and self._is_open():
            raise TryLater(f"{self.pull.url} is not declined yet: {reason(answer)}")

    def _is_open(self) -> bool:
        return text(self.api.find(self.path), "state") == "OPEN"


def remark(api: Api, path: str, commit: str, words: str, me: str) -> None:
    """Beside a commit; `path` is the repository's, `me` the bot's uuid. Raises Refused where the
    product won't. What the bot has said there already is not said again."""
    comments = f"{path}/commit/{commit}/comments"
    asked = api.ask("GET", f"{comments}?pagelen=100", accept=(400, 403, 404))
    _must_be_done(asked, f"to show what is said beside {commit[:12]}")
    said = values_of(one_object(asked, comments), comments)
    if any(
        part(one, "user", "uuid") == me and text(one, "content", "raw") == words for one in said
    ):
        return
    body = {"type": "commit_comment", "content": {"raw": words}}
    answer = api.ask("POST", comments, body, accept=(400, 403, 404))
    _must_be_done(answer, f"a comment beside {commit[:12]}")


def _signed(words: str, key: str) -> Mapping[str, str]:
    return {"raw": marks.signed(words, key)}


def _id(answer: Answer) -> str:
    _must_be_done(answer, "the comment")
    number = part(answer.body, "id")
    if not isinstance(number, int):
        raise TryLater("Bitbucket Cloud did not say which comment it made; reading again")
    return str(number)


def _must_be_done(answer: Answer, what: str) -> None:
    if answer.status >= 400:
        raise Refused(f"Bitbucket Cloud refuses {what} ({answer.status}) {reason(answer)}")
