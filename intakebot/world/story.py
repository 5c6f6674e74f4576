"""The story in seven scenes: real people with real git against a real house, and what each saw.

A scene returns the word for how it ended. Every commit it names is read back with plain git
from the served repository.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intakebot.model import Group, Role
from intakebot.world.house import RunningHouse, TookTooLong
from intakebot.world.people import GitRefused, Said, Somebody

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

    house: RunningHouse
    ada: Somebody  # Alder's developer
    alan: Somebody  # her colleague, whom somebody made a maintainer
    carl: Somebody  # a contractor with write access
    grace: Somebody  # staff, maintainer
    sam: Somebody  # staff
    clone: Path = field(default_factory=Path)
    number: int = 0
    base: str = ""

    def ls_remote(self) -> dict[str, str]:
        """Branches of the main repository, as plain git sees them."""
        out = self.grace.must("ls-remote", "--heads", self.grace.url())
        rows = (line.split("\t") for line in out.splitlines() if "\t" in line)
        return {ref.removeprefix("refs/heads/"): commit for commit, ref in rows}

    def head(self) -> dict[str, str]:
        """The head of Ada's branch, as plain git reads it from her served fork."""
        ref = branch(self)
        out = self.ada.must("ls-remote", self.ada.url("ada"), ref)
        return {"head": out.split("\t")[0]}

    def pull(self, number: int) -> dict[str, Any]:
        return dict(self.grace.api("GET", f"/api/pulls/site/{number}").json())

    def bot_says(self, number: int) -> dict[str, str]:
        """Mark -> text, as the forge has the bot's comments."""
        repo = self.grace.forge("GET", "/api/repos?name=site").json()["repos"][0]["id"]
        found = self.grace.forge("GET", f"/api/repos/{repo}/pulls/{number}").json()
        return {one["key"]: one["text"] for one in found["comments"] if one["key"]}

    def answer(self, number: int, comment: str) -> str:
        return self.house.wait_for(lambda: self.bot_says(number).get(f"answer:{comment}"))

    def say(self, who: Somebody, text: str) -> str:
        posted = who.say("site", self.number, text)
        if posted.status_code != 201:
            raise TookTooLong(f"{who.login} could not comment: {posted.text}")
        return str(posted.json()["id"])


def cast(house: RunningHouse) -> Story:
    maintainer = (Role.MAINTAINER,)
    return Story(
        house=house,
        ada=house.person("ada", Group.AGENCY, agency="Alder", name="Ada Alder"),
        alan=house.person("alan", Group.AGENCY, agency="Alder", roles=maintainer),
        carl=house.person("carl", Group.CONTRACTOR, access="write"),
        grace=house.person("grace", Group.STAFF, roles=maintainer, access="write"),
        sam=house.person("sam", Group.STAFF, access="read"),
    )


# --- the scenes -----------------------------------------------------------------------

Told = tuple[str, list[str], dict[str, str]]


def direct_push(story: Story) -> Told:
    """An agency developer pushes to main of the main repository"""
    before = story.ls_remote()
    story.clone = story.ada.clone()
    story.ada.commit(
        story.clone,
        {"shop/prices.py": BROKEN_PRICES, "tests/test_prices.py": MORE_TESTS},
        "Take the discount into account",
    )
    pushed = story.ada.git("push", "origin", "main", within=story.clone)
    after = story.ls_remote()
    moved = after != before
    commands = paste_lines(pushed)
    outcome = "pushed" if pushed.ok or moved else "refused" if len(commands) == 2 else "unexplained"
    return outcome, [pushed.remote], {"main": after["main"]}


def branch_of_main(story: Story) -> Told:
    """A contractor opens a pull request from a branch of the main repository"""
    clone = story.carl.clone()
    story.carl.must("switch", "--quiet", "--create", "banner", within=clone)
    story.carl.commit(clone, {"banner.html": "<p>Spring</p>\n"}, "Put up the spring banner")
    pushed = story.carl.git("push", "-o", "pull", "origin", "banner", within=clone)
    number = pull_number(pushed)
    found = story.house.wait_for_state(story.carl, number, "rejected")
    unmet = {one["rule"] for one in found["verdicts"] if one["state"] == "unsatisfied"}
    outcome = "rejected" if "fork-only" in unmet else f"rejected by {sorted(unmet)}"
    coached = story.house.wait_for(lambda: story.bot_says(number).get("status"))
    return outcome, [pushed.remote, coached], {"head": story.ls_remote()["banner"]}


def fork_with_faults(story: Story) -> Told:
    """The agency follows the two lines: a pull request opens by itself, with faults in it"""
    pushed = story.ada.git("push", "origin", "main", within=story.clone)
    sent = story.ada.paste("\n".join(paste_lines(pushed)), story.clone)
    story.number = pull_number(sent)
    story.house.wait_for_state(story.ada, story.number, "needs changes")
    story.house.wait_for(lambda: len(places(story)) >= 2, within=30)
    at = places(story)
    wanted = {("shop/prices.py", 3), ("tests/test_prices.py", 13)}
    outcome = "needs-changes" if wanted <= at else f"needs-changes with findings at {sorted(at)}"
    said = story.bot_says(story.number)
    seen = [sent.remote, said["status"]]
    seen += [text for key, text in said.items() if key.startswith("finding:")]
    return outcome, seen, story.head()


def places(story: Story) -> set[tuple[str, int]]:
    """Where the bot's open inline comments stand."""
    repo = story.grace.forge("GET", "/api/repos?name=site").json()["repos"][0]["id"]
    found = story.grace.forge("GET", f"/api/repos/{repo}/pulls/{story.number}").json()
    return {
        (one["path"], one["line"])
        for one in found["comments"]
        if one["key"] and one["path"] and not one["resolved"]
    }


def the_fix(story: Story) -> Told:
    """The fix is pushed: the findings go away"""
    head = story.ada.commit(
        story.clone, {"shop/prices.py": MENDED_PRICES}, "Take the discount off, not on"
    )
    story.ada.must("push", "--quiet", "fork", f"HEAD:{branch(story)}", within=story.clone)
    story.house.wait_for_state(story.ada, story.number, "needs review", head)
    story.house.wait_for(lambda: not places(story), within=30)
    status = story.house.wait_for(lambda: about(story, head))
    return "needs-review", [status], story.head()


def colleague_approves(story: Story) -> Told:
    """A colleague of the same agency approves"""
    answer = story.answer(story.number, story.say(story.alan, "/approve"))
    found = story.pull(story.number)
    said = [one for one in found["commands"] if one["name"] == "approve"]
    outcome = said[-1]["said"] if said else "unheard"
    if "Grace" not in answer:
        outcome += " without a word on who could"
    return outcome, [answer], story.head()


def approved_then_pushed(story: Story) -> Told:
    """Staff approve, then the author pushes once more"""
    comment = story.say(story.grace, "/approve")
    approved = story.answer(story.number, comment)
    story.house.wait_for_state(story.ada, story.number, "ready")
    head = story.ada.commit(
        story.clone, {"shop/__init__.py": '"""The shop."""\n'}, "Say what the shop is"
    )
    story.ada.must("push", "--quiet", "fork", f"HEAD:{branch(story)}", within=story.clone)
    story.house.wait_for_state(story.ada, story.number, "needs review", head)
    told = story.house.wait_for(lambda: void_said(story))
    times = sum(key.startswith("void:") for key in story.bot_says(story.number))
    outcome = "void" if times == 1 else f"void, said {times} times"
    return outcome, [approved, told], story.head()


def void_said(story: Story) -> str:
    said = story.bot_says(story.number)
    return next((text for key, text in said.items() if key.startswith("void:")), "")


def approved_and_merged(story: Story) -> Told:
    """Approved again, /merge: the merge result is tested, lands, and is deployed"""
    somebody_else_lands(story)
    before = story.ls_remote()
    story.answer(story.number, story.say(story.grace, "/approve"))
    story.house.wait_for_state(story.ada, story.number, "ready")
    asked = story.answer(story.number, story.say(story.grace, "/merge"))
    found = story.house.wait_for_state(story.ada, story.number, "landed")
    commit = found["landing"]["commit"]
    story.house.wait_for(lambda: story.ls_remote()["deploy"] == commit, within=30)
    status = story.house.wait_for(
        lambda: "This has landed" in (text := story.bot_says(story.number)["status"]) and text
    )
    after = story.ls_remote()
    wanted = [before["main"], found["head"]]
    outcome = "landed" if landed_as_tested(story, found, after, wanted) else "landed, but not so"
    return outcome, [asked, str(status)], {**after, **story.head()}


def landed_as_tested(
    story: Story, found: Mapping[str, Any], after: Mapping[str, str], parents: list[str]
) -> bool:
    """Both branches hold the landed commit, it merges what it should, its tree was tested."""
    clone = story.grace.clone(name="afterwards")
    commit = found["landing"]["commit"]
    shape = story.grace.must("log", "-1", "--format=%P %T", commit, within=clone).split()
    return (
        after["main"] == after["deploy"] == commit
        and shape == [*parents, found["landing"]["tree"]]
        and bool(found["landing"]["checks"])
    )


def somebody_else_lands(story: Story) -> None:
    """Main moves on, so that the merge result is a tree that nobody has tested yet."""
    clone = story.sam.clone()
    head = story.sam.commit(
        clone, {"README.md": "# A sample site\n\nOpen on Sundays.\n"}, "Say when the shop is open"
    )
    sent = story.sam.git("push", story.sam.url("sam"), "HEAD:refs/heads/opening", within=clone)
    number = pull_number(sent)
    story.house.wait_for_state(story.sam, number, "needs review", head)
    for word in ("/approve", "/merge"):
        story.grace.say("site", number, word)
    story.house.wait_for_state(story.sam, number, "landed")


SCENES: tuple[tuple[str, Callable[[Story], Told]], ...] = (
    ("refused", direct_push),
    ("rejected", branch_of_main),
    ("needs-changes", fork_with_faults),
    ("needs-review", the_fix),
    ("denied", colleague_approves),
    ("void", approved_then_pushed),
    ("landed", approved_and_merged),
)


def play(house: RunningHouse) -> Iterator[Scene]:
    """Each scene as it ends. One that goes wrong ends the story with what went wrong."""
    story = cast(house)
    for expected, scene in SCENES:
        started = time.monotonic()
        name = (scene.__doc__ or "").splitlines()[0]
        try:
            outcome, seen, commits = scene(story)
        except (TookTooLong, GitRefused, KeyError) as error:
            took = round(time.monotonic() - started, 2)
            yield Scene(name, expected, f"went wrong: {error}", [], {}, took)
            return
        yield Scene(name, expected, outcome, seen, commits, round(time.monotonic() - started, 2))


def paste_lines(said: Said) -> list[str]:
    """The commands in a refusal: its indented git lines."""
    return re.findall(r"^ {4}(git .+)$", said.remote, re.MULTILINE)


def pull_number(said: Said) -> int:
    found = re.search(r"Pull request #(\d+)", said.text)
    if not found:
        raise TookTooLong(f"no pull request opened: {said.text}")
    return int(found[1])


def branch(story: Story) -> str:
    """The branch of the fork that the pull request comes from."""
    repo = story.grace.forge("GET", "/api/repos?name=site").json()["repos"][0]["id"]
    found = story.grace.forge("GET", f"/api/repos/{repo}/pulls/{story.number}").json()
    return f"refs/heads/{found['source']['branch']}"


def about(story: Story, head: str) -> str | None:
    """The status comment once it speaks of this head."""
    text = story.bot_says(story.number).get("status", "")
    return text if head[:12] in text else None
