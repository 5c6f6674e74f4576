"""What git is made to carry: bombs, odd objects, and links to elsewhere (security-cases 5.6)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.model import TryLater
from intakebot.repo.git import Limits
from intakebot.repo.mirror import Mirror
from intakebot.store.tables import pulls
from tests.attacks.cast import Cast, cast_in


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast_in(tmp_path_factory.mktemp("content")) as cast:
        yield cast


def test_a_pack_over_the_limit_is_refused_and_leaves_nothing_behind(
    cast: Cast, tmp_path: Path
) -> None:
    head = cast.commit({b"big.bin": ("100644", cast.blob(os.urandom(3 << 20)))})
    number = cast.brings(head)
    forge, source = cast.shop.house.forges["git"], cast.shop.pull(number).source
    assert source is not None
    credential = forge.credential(forge.repos()[0], "read")
    small = Mirror(tmp_path / "mirror.git", credential, Limits(file=1 << 20))
    with pytest.raises(TryLater):
        small.fetch(source.clone_url, head, "1")
    pack = small.folder / "objects" / "pack"
    assert not pack.exists() or list(pack.iterdir()) == []

    Mirror(small.folder, credential).fetch(source.clone_url, head, "1")
    assert small.git.run("cat-file", "-t", head) == b"commit\n"


def test_a_tree_bomb_is_its_author_s_to_mend_and_is_not_tried_again_and_again(cast: Cast) -> None:
    """Six objects, 161,051 files."""
    shop = cast.shop
    tree = cast.tree({b"f": ("100644", cast.blob(b"x\n"))})
    for _ in range(5):
        tree = cast.tree({f"{n}".encode(): ("040000", tree) for n in range(11)})
    number = cast.brings(cast.commit({b"bomb": ("040000", tree)}))
    shop.settle()
    assert shop.standing(number) == "needs changes", shop.problem(number)
    assert "it changes more than 100000 files" in shop.status_text(number)
    assert shop.problem(number) == ""
    shop.settle()  # hears of its own comment
    looked = sa.select(pulls.c.looked_at).where(pulls.c.number == number)
    before = shop.rows(looked)
    shop.passes(timedelta(hours=1))
    shop.sweep()
    assert shop.rows(looked) == before
