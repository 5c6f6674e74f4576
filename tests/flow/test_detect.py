"""Archives, hidden characters and secrets in a pull request: said once, where they are."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from intakebot.core import config
from intakebot.model import Comment
from intakebot.world.people import Somebody
from tests.databases import everything
from tests.flow.conftest import ada, grace
from tests.flow.workshop import Workshop

SECRET = "hunter2" + "-and-more"
LEAK = f"const api = 'https://shop:{SECRET}@pay.example.com/';\n"


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("index.html", "<p>Packed</p>\n")
    return made.getvalue()


def commit(shop: Workshop, author: Somebody, path: str, data: bytes) -> None:
    clone = shop.clone(author)
    (clone / path).parent.mkdir(parents=True, exist_ok=True)
    (clone / path).write_bytes(data)
    author.must("add", "--all", within=clone)
    author.must("commit", "--quiet", "-m", f"Change {path}", within=clone)


def starts(shop: Workshop, author: Somebody) -> None:
    clone = shop.clone(author)
    author.must("switch", "--quiet", "--no-track", "-C", "change", "origin/main", within=clone)


def sends(shop: Workshop, author: Somebody) -> int:
    shop.push(author, "change")
    shop.settle()
    return shop.newest()


def notes(shop: Workshop, number: int) -> list[Comment]:
    return [mark for mark in shop.marks(number) if mark.path]


def test_an_archive_under_another_name_is_refused_until_the_target_welcomes_it(
    shop: Workshop,
) -> None:
    author = ada(shop)
    starts(shop, author)
    commit(shop, author, "images/logo.png", zipped())
    number = sends(shop, author)
    assert shop.standing(number) == "needs changes"
    assert "images/logo.png: A zip archive with index.html" in shop.status_text(number)

    shop.by_hand("main", {config.NAME: "[detect]\narchives = ['images/*.png']\n"})
    shop.look_again(number)
    assert shop.standing(number) == "needs review"


def test_hidden_characters_are_told_on_the_line_that_brings_them_and_once(shop: Workshop) -> None:
    author = ada(shop)
    shop.by_hand("main", {"old.js": "// \u202e as it was\n"})
    starts(shop, author)
    commit(shop, author, "old.js", "// \u202e as it was\nlet a = 1;\n".encode())
    commit(shop, author, "new.js", "let b = 2;\nif (b\u2066) {}\n".encode())
    number = sends(shop, author)
    [note] = notes(shop, number)
    assert (note.path, note.line) == ("new.js", 2)
    assert "U+2066 LEFT-TO-RIGHT ISOLATE" in note.text and "\u2066" not in note.text
    assert shop.status_text(number).count("LEFT-TO-RIGHT ISOLATE") == 1
    commit(shop, author, "new.js", "let b = 2;\nlet c = 3;\nif (b\u2066) {}\n".encode())
    sends(shop, author)
    assert [one.id for one in notes(shop, number)] == [note.id]
    commit(shop, author, "new.js", b"let b = 2;\nif (b) {}\n")
    sends(shop, author)
    assert shop.standing(number) == "needs review"
    assert [one.resolved for one in notes(shop, number)] == [True]


def test_a_secret_is_told_on_its_line_and_repeated_nowhere(
    shop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    author = ada(shop)
    starts(shop, author)
    commit(shop, author, "shop.js", f"let a = 1;\n{LEAK}".encode())
    number = sends(shop, author)
    [note] = notes(shop, number)
    assert (note.path, note.line) == ("shop.js", 2)
    assert "A login with its password" in note.text
    said = [*(mark.text for mark in shop.marks(number)), shop.status_text(number)]
    kept = str(everything(shop.house.database))
    assert SECRET not in "".join([*said, kept, *capsys.readouterr()])


def test_a_secret_that_a_later_commit_takes_out_is_still_leaked(shop: Workshop) -> None:
    author = ada(shop)
    starts(shop, author)
    commit(shop, author, "shop.js", LEAK.encode())
    leaked = author.must("rev-parse", "HEAD", within=shop.clone(author)).strip()
    commit(shop, author, "shop.js", b"const api = process.env.API;\n")
    number = sends(shop, author)
    assert shop.standing(number) == "needs changes"
    assert f"in commit {leaked[:12]}" in shop.status_text(number)

    clone = shop.clone(author)  # as the rule's commands say
    author.must("fetch", "--quiet", "origin", "main", within=clone)
    author.must("reset", "--quiet", "--soft", "FETCH_HEAD", within=clone)
    author.must("commit", "--quiet", "-m", "Read the address from the environment", within=clone)
    author.must("push", "--quiet", "--force", author.url("ada"), "HEAD:change", within=clone)
    shop.settle()
    assert shop.standing(number) == "needs review"


def test_a_secret_of_the_target_that_is_merged_in_is_not_the_authors(shop: Workshop) -> None:
    author = ada(shop)
    starts(shop, author)
    commit(shop, author, "news.html", b"<p>News</p>\n")
    shop.by_hand("main", {"shop.js": LEAK})
    clone = shop.clone(author)
    author.must("fetch", "--quiet", "origin", within=clone)
    author.must("merge", "--quiet", "--no-edit", "origin/main", within=clone)
    commit(shop, author, "shop.js", f"// Moved.\n{LEAK}".encode())
    number = sends(shop, author)
    assert shop.standing(number) == "needs review", shop.status_text(number)


def test_a_secret_in_a_merge_itself_is_found(shop: Workshop) -> None:
    author = ada(shop)
    starts(shop, author)
    commit(shop, author, "news.html", b"<p>News</p>\n")
    shop.by_hand("main", {"other.html": "<p>Other</p>\n"})
    clone = shop.clone(author)
    author.must("fetch", "--quiet", "origin", within=clone)
    author.must("merge", "--quiet", "--no-commit", "--no-ff", "origin/main", within=clone)
    Path(clone, "shop.js").write_text(LEAK)
    author.must("add", "--all", within=clone)
    author.must("commit", "--quiet", "-m", "Merge", within=clone)
    commit(shop, author, "shop.js", b"const api = process.env.API;\n")
    number = sends(shop, author)
    assert "A login with its password, in commit" in shop.status_text(number)


def test_a_secret_of_the_target_that_is_taken_out_and_put_back_is_not_the_authors(
    shop: Workshop,
) -> None:
    author = ada(shop)
    shop.by_hand("main", {"shop.js": LEAK})
    starts(shop, author)
    commit(shop, author, "shop.js", b"const api = process.env.API;\n")
    commit(shop, author, "shop.js", LEAK.encode())
    commit(shop, author, "news.html", b"<p>News</p>\n")
    number = sends(shop, author)
    assert shop.standing(number) == "needs review", shop.status_text(number)


def test_a_secret_that_a_submodule_was_called_by_before_is_found(shop: Workshop) -> None:
    """The id that a submodule stands at may be any: also that of a file which comes later."""
    author = ada(shop)
    starts(shop, author)
    clone = shop.clone(author)
    Path(clone, "leak").write_text(LEAK)
    leak = author.must("hash-object", "leak", within=clone).strip()
    Path(clone, "leak").unlink()
    named = f"160000,{leak},vendor"
    author.must("update-index", "--add", "--cacheinfo", named, within=clone)
    author.must("commit", "--quiet", "-m", "Bring a part", within=clone)
    author.must("rm", "--quiet", "--cached", "vendor", within=clone)
    author.must("commit", "--quiet", "-m", "Do without it", within=clone)
    commit(shop, author, "shop.js", LEAK.encode())
    commit(shop, author, "shop.js", b"const api = process.env.API;\n")
    number = sends(shop, author)
    assert "A login with its password, in commit" in shop.status_text(number)


def test_a_maintainer_who_welcomes_a_path_lets_it_land(shop: Workshop) -> None:
    author, maintainer = ada(shop), grace(shop)
    shop.by_hand("main", {config.NAME: "[detect]\nsecrets = ['tests/']\n"})
    starts(shop, author)
    commit(shop, author, "tests/sample.js", LEAK.encode())
    number = sends(shop, author)
    assert shop.standing(number) == "needs review"
    shop.land(maintainer, number)


def test_a_check_that_is_switched_off_is_noted_and_holds_nothing_up(shop: Workshop) -> None:
    author = ada(shop)
    shop.by_hand("main", {"cart.js": "a(); // eslint-disable-line\nb();\n"})
    starts(shop, author)
    moved = "b();\nc(); // eslint-disable-line\n"
    commit(shop, author, "cart.js", moved.encode())
    number = sends(shop, author)
    assert (notes(shop, number), shop.standing(number)) == ([], "needs review")

    commit(shop, author, "cart.js", f"{moved}d(); // eslint-disable-line\n".encode())
    sends(shop, author)
    assert shop.standing(number) == "needs review"
    assert [(one.path, one.line) for one in notes(shop, number)] == [("cart.js", 3)]
    assert "A check is switched off: eslint-disable" in shop.status_text(number)
