"""The story in seven scenes: real people with real git against a real house, and what each saw.

A scene returns the word for how it ended, the same on every stage. Every commit it names is read
back with plain git from the served repositories.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from intakebot.model import Group, Role
from intakebot.world.house import TookTooLong
from intakebot.world.people import GitUser, Refused, Said, taken
from intakebot.world.stage import Character, Opened, Stage

BROKEN_PRICES = '''"""What things cost."""

import os


def total(prices: list[int], discount: int = 0) -> int:
    """The sum in cents, less a discount in percent."""
    return sum(prices) * (100 + discount) // 100
'''
MENDED_PRICES = BROKEN_PRICES.replace("import os\n\n\n", "\n").replace("100 + d", "100 - d")
MORE_TESTS = """from shop.prices import total


def test_prices_add_up():
    assert total([100, 250]) == 350


def test_a_discount_is_taken_off():
    assert total([1000], discount=10) == 900


def test_half_price_is_half():
    assert total([500, 500], discount=50) == 500
"""
DISCOUNT = "Take the discount into account"
BANNER = "Put up the spring banner"
OPENING_HOURS = "Say when the shop is open"


@dataclass(frozen=True, slots=True)
class Scene:
    """`commits` maps what to the id that the served repository gave for it afterwards."""

    name: str
    expected: str
    outcome: str
    seen: list[str]
    commits: dict[str, str]
    seconds: float

    @property
    def holds(self) -> bool:
        return self.outcome == self.expected


@dataclass
class Story:
    """The cast and what they have so far."""

    stage: Stage
    ada: GitUser  # Alder's developer, with write access
    alan: GitUser  # her colleague, whom somebody made a maintainer
    carl: GitUser  # a contractor with write access
    grace: GitUser  # staff, maintainer
    sam: GitUser  # staff
    clone: Path = field(init=False)  # Ada's
    refusal: Said = field(init=False)  # what she read when she pushed to main
    mine: Opened = field(init=False)  # her pull request, which most of it is about

    def branches(self) -> dict[str, str]:
        """Branches of the main repository, as plain git sees them."""
        out = self.grace.must("ls-remote", "--heads", self.stage.main_url(self.grace))
        rows = (line.split("\t") for line in out.splitlines() if "\t" in line)
        return {ref.removeprefix("refs/heads/"): commit for commit, ref in rows}

    def head(self) -> dict[str, str]:
        """The head of Ada's branch, as plain git reads it from her served fork."""
        ref = f"refs/heads/{self.mine.branch}"
        out = self.ada.must("ls-remote", self.stage.fork_url(self.ada), ref)
        return {"head": out.split("\t")[0]}

    def clone_of(self, who: GitUser, name: str = "site") -> Path:
        """Of the main repository."""
        return who.clone_from(self.stage.main_url(who), name)

    def pushes(self, files: Mapping[str, str], message: str) -> str:
        """Ada's next commit, on the branch of her pull request."""
        head = self.ada.commit(self.clone, files, message)
        self.ada.must("push", "--quiet", "fork", f"HEAD:{self.mine.branch}", within=self.clone)
        return head

    def stands(self, who: GitUser, number: int, state: str, head: str = "") -> dict[str, Any]:
        """What the pages tell this person, once it stands so."""
        viewer = self.stage.viewer(who)
        return self.stage.house.wait_for_state(viewer, number, state, head, repo=self.stage.repo)

    def pull(self) -> dict[str, Any]:
        path = f"/api/pulls/{self.stage.repo}/{self.mine.number}"
        return dict(taken(self.stage.viewer(self.grace).api("GET", path)))

    def reads(self, number: int, key: str, *saying: str) -> str:
        """The bot's comment with this mark, once it is there and says all that."""

        def there() -> str:
            marked = (one for one in self.stage.remarks(number) if one.is_marked(key))
            text = next((one.text for one in marked), "")
            return text if all(words in text for words in saying) else ""

        return self.stage.house.wait_for(there)

    def answered(self, who: GitUser, text: str) -> str:
        """What the bot answers to a comment."""
        comment = self.stage.say(who, self.mine.number, text)
        return self.reads(self.mine.number, f"answer:{comment}")

    def notes(self) -> dict[tuple[str, int], str]:
        """Where the bot's open inline comments stand, and what they say."""
        remarks = self.stage.remarks(self.mine.number)
        return {(one.path, one.line): one.text for one in remarks if one.path and not one.resolved}


def cast(stage: Stage) -> Story:
    def somebody(name: str, group: Group, agency: str = "", **more: Any) -> GitUser:
        return stage.somebody(Character(name, group, agency, **more))

    maintainer = (Role.MAINTAINER,)
    return Story(
        stage=stage,
        ada=somebody("ada", Group.AGENCY, "Alder", access="write"),
        alan=somebody("alan", Group.AGENCY, "Alder", roles=maintainer),
        carl=somebody("carl", Group.CONTRACTOR, access="write"),
        grace=somebody("grace", Group.STAFF, roles=maintainer, access="write"),
        sam=somebody("sam", Group.STAFF),
    )


# --- the scenes -----------------------------------------------------------------------

Told = tuple[str, list[str], dict[str, str]]


def direct_push(story: Story) -> Told:
    """An agency developer with write access pushes to main of the main repository"""
    before = story.branches()
    story.clone = story.clone_of(story.ada)
    story.ada.commit(
        story.clone,
        {"shop/prices.py": BROKEN_PRICES, "tests/test_prices.py": MORE_TESTS},
        DISCOUNT,
    )
    story.refusal = story.ada.git("push", "origin", "main", within=story.clone)
    after = story.branches()
    outcome = "refused" if story.stage.explains(story.refusal) else "unexplained"
    if story.refusal.ok or after != before:
        outcome = "pushed"
    return outcome, [story.refusal.remote], {"main": after["main"]}


def branch_of_main(story: Story) -> Told:
    """A contractor opens a pull request from a branch of the main repository"""
    story.stage.fork(story.carl)  # that he has one, he forgot
    clone = story.clone_of(story.carl)
    story.carl.must("switch", "--quiet", "--create", "banner", within=clone)
    story.carl.commit(clone, {"banner.html": "<p>Spring</p>\n"}, BANNER)
    opened = story.stage.open_from_main(story.carl, clone, "banner", BANNER)
    found = story.stands(story.carl, opened.number, "rejected")
    unmet = {one["rule"] for one in found["verdicts"] if one["state"] == "unsatisfied"}
    coached = story.reads(opened.number, "status")
    again = story.stage.open_as_coached(story.carl, clone, coached, BANNER)
    story.stands(story.carl, again.number, "needs review", found["head"])
    outcome = "rejected" if "fork-only" in unmet else f"rejected by {sorted(unmet)}"
    return outcome, [opened.seen, coached, again.seen], {"head": story.branches()["banner"]}


def fork_with_faults(story: Story) -> Told:
    """The agency sends it as a pull request from a fork, with faults in it"""
    story.mine = story.stage.open_after_refusal(
        story.ada, story.clone, story.refusal, "discount", DISCOUNT
    )
    story.stands(story.ada, story.mine.number, "needs changes")
    wanted = {("shop/prices.py", 3), ("tests/test_prices.py", 13)}
    story.stage.house.wait_for(lambda: len(story.notes()) >= 2, within=30)
    notes = story.notes()
    right = wanted <= notes.keys()
    outcome = "needs-changes" if right else f"needs-changes with findings at {sorted(notes)}"
    inline = [f"{path}:{line}\n{text}" for (path, line), text in notes.items()]
    status = story.reads(story.mine.number, "status", "`tests/test_prices.py:13`")
    return outcome, [story.mine.seen, status, *inline], story.head()


def the_fix(story: Story) -> Told:
    """The fix is pushed: the findings go away"""
    head = story.pushes({"shop/prices.py": MENDED_PRICES}, "Take the discount off, not on")
    story.stands(story.ada, story.mine.number, "needs review", head)
    story.stage.house.wait_for(lambda: not story.notes(), within=30)
    status = story.reads(story.mine.number, "status", "A reviewer's turn", head[:12])
    return "needs-review", [status], story.head()


def colleague_approves(story: Story) -> Told:
    """A colleague of the same agency approves"""
    answer = story.answered(story.alan, "/approve")
    said = [one for one in story.pull()["commands"] if one["name"] == "approve"]
    outcome = said[-1]["said"] if said else "unheard"
    if "Grace" not in answer:
        outcome += " without a word on who could"
    return outcome, [answer], story.head()


def approved_then_pushed(story: Story) -> Told:
    """Staff approve, then the author pushes once more"""
    approved = story.answered(story.grace, "/approve")
    story.stands(story.ada, story.mine.number, "ready")
    head = story.pushes({"shop/__init__.py": '"""The shop."""\n'}, "Say what the shop is")
    story.stands(story.ada, story.mine.number, "needs review", head)
    told = story.stage.house.wait_for(lambda: voids(story))
    outcome = "void" if len(told) == 1 else f"void, said {len(told)} times"
    return outcome, [approved, *told], story.head()


def voids(story: Story) -> list[str]:
    remarks = story.stage.remarks(story.mine.number)
    return [one.text for one in remarks if one.text.startswith("The approval by Grace was for")]


def approved_and_merged(story: Story) -> Told:
    """Approved again, /merge: the merge result is tested, lands, and is deployed"""
    somebody_else_lands(story)
    before = story.branches()
    story.answered(story.grace, "/approve")
    story.stands(story.ada, story.mine.number, "ready")
    asked = story.answered(story.grace, "/merge")
    found = story.stands(story.ada, story.mine.number, "landed")
    commit = found["landing"]["commit"]
    story.stage.house.wait_for(lambda: story.branches()["deploy"] == commit, within=30)
    status = story.reads(story.mine.number, "status", "This has landed")
    after = story.branches()
    wanted = [before["main"], found["head"]]
    outcome = "landed" if landed_as_tested(story, found, after, wanted) else "landed, but not so"
    return outcome, [asked, status], {**after, **story.head()}


def landed_as_tested(
    story: Story, found: Mapping[str, Any], after: Mapping[str, str], parents: list[str]
) -> bool:
    """Both branches hold the landed commit, it merges what it should, its tree was tested."""
    clone = story.clone_of(story.grace, "afterwards")
    commit = found["landing"]["commit"]
    shape = story.grace.must("log", "-1", "--format=%P %T", commit, within=clone).split()
    return (
        after["main"] == after["deploy"] == commit
        and shape == [*parents, found["landing"]["tree"]]
        and bool(found["landing"]["checks"])
    )


def somebody_else_lands(story: Story) -> None:
    """Main moves on, so that the merge result is a tree that nobody has tested yet."""
    clone = story.clone_of(story.sam)
    head = story.sam.commit(
        clone, {"README.md": "# A sample site\n\nOpen on Sundays.\n"}, OPENING_HOURS
    )
    opened = story.stage.open_from_fork(story.sam, clone, "opening", OPENING_HOURS)
    story.stands(story.sam, opened.number, "needs review", head)
    for word in ("/approve", "/merge"):
        story.stage.say(story.grace, opened.number, word)
    story.stands(story.sam, opened.number, "landed")


SCENES: tuple[tuple[str, Callable[[Story], Told]], ...] = (
    ("refused", direct_push),
    ("rejected", branch_of_main),
    ("needs-changes", fork_with_faults),
    ("needs-review", the_fix),
    ("denied", colleague_approves),
    ("void", approved_then_pushed),
    ("landed", approved_and_merged),
)


def play(stage: Stage) -> Iterator[Scene]:
    """Each scene as it ends. One that goes wrong ends the story with what went wrong."""
    story = cast(stage)
    for expected, scene in SCENES:
        started = time.monotonic()
        name = (scene.__doc__ or "").splitlines()[0]
        try:
            outcome, seen, commits = scene(story)
        except (TookTooLong, Refused, requests.RequestException, KeyError) as error:
            took = round(time.monotonic() - started, 2)
            yield Scene(name, expected, f"went wrong: {error}", [], {}, took)
            return
        yield Scene(name, expected, outcome, seen, commits, round(time.monotonic() - started, 2))
