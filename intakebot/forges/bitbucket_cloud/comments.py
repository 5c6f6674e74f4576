"""The comments of a pull request, from what the product lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from intakebot.core import marks
from intakebot.forges.bitbucket_cloud.shapes import EPOCH, Json, account, micros, moment, part, text
from intakebot.model import Comment

# One that was never edited has both times some milliseconds apart. The product also moves the
# second for other reasons; then a command that nobody had read yet is refused, and said again.
EDITED_AFTER = timedelta(seconds=1)


def read_comments(found: Iterable[Json], bot: str) -> tuple[Comment, ...]:
    """Oldest first, without deleted ones and without drafts of a review."""
    listed = list(found)
    shown = [one for one in listed if not one.get("deleted") and not one.get("pending")]
    answered = _answered(listed, shown)
    comments = [_comment(one, bot, str(one["id"]) in answered) for one in shown]
    return tuple(sorted(comments, key=lambda comment: (comment.seq, int(comment.id))))


def _comment(found: Json, bot: str, replied: bool) -> Comment:
    by = account(part(found, "user"))
    raw = text(found, "content", "raw")
    body, tag = marks.read(raw) if by.id == bot else (raw, None)
    at = moment(found, "created_on") or EPOCH
    changed = moment(found, "updated_on") or at
    line = part(found, "inline", "to") or part(found, "inline", "from")
    return Comment(
        id=str(found["id"]),
        by=by,
        text=body,
        at=at,
        seq=micros(at),
        edited=changed - at > EDITED_AFTER,
        tag=tag,
        path=text(found, "inline", "path") or None,
        line=line if isinstance(line, int) else None,
        resolved=part(found, "resolution") is not None,
        replied=replied,
    )


def _answered(listed: Iterable[Json], shown: Iterable[Json]) -> set[str]:
    """Ids of comments below which somebody else answered, at any depth."""
    by_id = {str(one["id"]): one for one in listed}
    answered = set()
    for one in shown:
        author = text(one, "user", "uuid")
        for above in _above(one, by_id):
            if text(by_id.get(above), "user", "uuid") != author:
                answered.add(above)
    return answered


def _above(one: Json, by_id: Mapping[str, Json]) -> list[str]:
    """Ids from the parent to the top."""
    ids: list[str] = []
    parent = part(one, "parent", "id")
    while parent is not None and str(parent) not in ids:
        ids.append(str(parent))
        parent = part(by_id.get(str(parent)), "parent", "id")
    return ids
