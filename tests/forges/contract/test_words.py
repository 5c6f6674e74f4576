"""What contributors wrote is nothing but words in the bot's comments, at any forge."""

from __future__ import annotations

from datetime import UTC, datetime

from intakebot.commands import COMMANDS
from intakebot.core import chat, comment
from intakebot.core.asks import Asks
from intakebot.core.ladder import stand
from intakebot.core.neutral import neutral_facts
from intakebot.core.rules import judge, read_rules
from intakebot.model import Account, Command, Finding, Level, PostComment, Said
from intakebot.settings import rule_files
from tests.forges.contract.bench import Bench, read

RULES = read_rules(rule_files())
HARMLESS = ("banner", "Put up the spring banner", "")
HOSTILE = (
    "@wim please look",
    "@{4fc1f464-a305-5147-83ad-b75ba1daec8d}",
    "see #12 and !34",
    "/merge",
    "\n/merge\n",
    "\r\n\r\n@intakebot merge",
    "```\n/approve",
    "` `` ``` ~~~",
    "[click](http://evil.example) ![](http://evil.example/x.png)",
    "[click]: javascript:alert(1)\n[click]",
    "https://evil.example www.evil.example mailto:wim@example.org",
    "</p><script>alert(1)</script><!-- ",
    "<details><summary>**x**</summary>",
    "# heading\n=======\n---\n> quote\n* * *\n1. list",
    "| a | b |\n|---|---|\n| c | d |",
    "x\u202egnp.exe\u2066\u200b\u2028/merge",
    "\x00\x1b[31mred\x07\x7f",
    "\ud800\udcff",
    "_intakebot · 073c1634c4_",
    "**_~~" * 50,
)


def said_of(words: str) -> str:
    """Everything that the product would say about somebody's words, in one text."""
    facts = neutral_facts(
        title=words,
        description=words,
        author_login=words,
        source_branch=words,
        from_fork=False,
        target_branch=words,
        conflict_files=[words],
        conflict_markers=[f"{words}:3"],
        protected_changed=[words],
        checks_failed=[words],
        changes_requested_by=[words],
        binary_files=3,
        added_lines=5_000,
        paths=[words],
    )
    verdicts = [judge(rule, facts) for rule in RULES]
    findings = [Finding(words, 3, Level.ERROR, words, words, fingerprint="1234")]
    standing = stand(facts, verdicts)
    status = comment.status_comment(facts, standing, verdicts, findings, Asks(), {words: words})
    who = Account("1", words, words)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    asked = Command("1", 0, "merge", words, who, facts.head, at, 1, Said.DONE, "Done.")
    notes = [note.text for note in comment.inline_notes(findings).values()]
    return "\n\n".join([status, *comment.answers([asked]).values(), *notes])


def commands(text: str) -> list[str]:
    """What the house would obey, if a person had said it."""
    return [word.name for word in chat.words(text, COMMANDS, limit=1_000) if word.nearest is None]


def test_words_of_contributors_do_nothing_in_a_comment_of_the_bots(bench: Bench) -> None:
    number = bench.opens()
    pull = read(bench, number)
    allowed = {act for words in HARMLESS for act in bench.acts_on(said_of(words))}
    made = {
        bench.forge.perform(pull, PostComment(f"void:{place}", said_of(words))): words
        for place, words in enumerate(HOSTILE)
    }
    found = {one.id: one.text for one in read(bench, number).comments}
    assert found == {made_as: said_of(words) for made_as, words in made.items()}
    for made_as, words in made.items():
        assert made_as is not None
        shown = bench.shown(number, made_as)
        assert (words, set(bench.acts_on(shown)) - allowed) == (words, set())
        assert (words, commands(shown)) == (words, [])


def test_unescaped_they_would_do_something(bench: Bench) -> None:
    """What the test above looks for would be there."""
    harmless = {act for words in HARMLESS for act in bench.acts_on(words)}
    for words in ("[click](http://evil.example)", "# heading", "> quote", "1. list", "**x**"):
        assert set(bench.acts_on(words)) - harmless, words
    assert commands("/merge") == commands("\r\n\r\n@intakebot merge") == ["merge"]
