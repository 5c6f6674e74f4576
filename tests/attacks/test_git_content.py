"""What git is made to carry: bombs, odd objects, and links to elsewhere (security-cases 5.6)."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.model import OperatorError, TryLater
from intakebot.repo.git import Limits
from intakebot.repo.mirror import Mirror
from intakebot.store.tables import pulls
from tests.attacks.cast import Cast, cast_in
from tests.flow.cloud_shop import CloudShop


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


def test_very_deep_folders_and_very_long_names_are_judged_like_others(cast: Cast) -> None:
    shop = cast.shop
    for path in ("/".join(["d"] * 3_000), "n" * 4_096):
        number = cast.brings(cast.imported(path))
        shop.settle()
        assert shop.standing(number) == "needs review", shop.problem(number)
        assert len(shop.status_text(number)) < 2_000


def test_two_hundred_thousand_branches_of_a_fork_cost_nobody_anything(
    cast: Cast, tmp_path: Path
) -> None:
    """They are not even listed: only what is fetched is asked for."""
    shop, head = cast.shop, cast.plumb("rev-parse", "origin/main")
    cast.opens()
    packed = shop.state / "git" / "ada" / "site.git" / "packed-refs"
    names = (f"{head} refs/heads/many/{number:06}\n" for number in range(200_000))
    packed.write_text("# pack-refs with: peeled fully-peeled sorted\n" + "".join(names))
    try:
        number = cast.opens()
        shop.settle()
        assert shop.standing(number) == "needs review", shop.problem(number)
        forge, pull = shop.house.forges["git"], shop.pull(number)
        assert pull.source is not None
        fresh = Mirror(tmp_path / "mirror.git", forge.credential(pull.repo, "read"))
        begun = children()
        fresh.fetch(pull.source.clone_url, pull.head, "1")
        assert children() - begun < 0.2  # twice as much with all the names
    finally:
        packed.unlink()


def children() -> float:
    """Seconds of processor time that processes of ours have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


WHO = b"Ada <a@b>"


def odd(author: bytes = WHO, date: bytes = b"1", message: bytes = b"Add a page\n") -> bytes:
    """What follows the tree and the parent of a commit."""
    return b"".join(b"%b %b %b +0000\n" % (role, author, date) for role in ROLES) + b"\n" + message


ROLES = (b"author", b"committer")
ODD_COMMITS = {
    "born with time itself": odd(date=b"0"),
    "from the far future": odd(date=b"4294967296"),
    "before all time": odd(date=b"-1"),
    "of a painted author": odd(b"A\x1b[31mda\x07 \xe2\x80\xae\xff <a@b\x1b[2J>"),
    "with a painted title": odd(message=b"Add a \x1b[31mpage\x1b]0;x\x07 \xe2\x80\xae!\n"),
    "that talks without end": odd(message=b"Add a page " * 100_000),
    "with a hole in its message": odd(message=b"Add a page\0and hide the rest\n"),
}


@pytest.mark.parametrize("rest", ODD_COMMITS.values(), ids=ODD_COMMITS)
def test_an_odd_commit_is_refused_by_git_or_judged_like_any_other(cast: Cast, rest: bytes) -> None:
    shop = cast.shop
    content = cast.blob(hashlib.sha256(rest).hexdigest().encode())  # it is the commit that is odd
    tree = cast.plumb("rev-parse", f"{cast.commit({b'odd': ('100644', content)})}^{{tree}}")
    parent = cast.plumb("rev-parse", "origin/main")
    raw = f"tree {tree}\nparent {parent}\n".encode() + rest
    head = cast.plumb("hash-object", "-t", "commit", "-w", "--literally", "--stdin", feed=raw)
    url, name = cast.ada.url(cast.ada.login), f"odd-{head[:12]}"
    said = cast.ada.git("push", url, f"{head}:refs/heads/{name}", within=cast.clone)
    if not said.ok:
        assert "fsck" in said.text or "badDate" in said.text or "nulInCommit" in said.text
        return
    shop.settle()
    number = shop.newest()
    pull = shop.pull(number)
    assert pull.head == head and shop.standing(number) == "needs review", shop.why(number)
    assert pull.title.isprintable() and len(pull.title) <= 300
    assert "\x1b" not in shop.status_text(number) and "\u202e" not in shop.status_text(number)


def test_many_who_fetch_at_once_get_what_they_asked_for_and_a_whole_mirror(
    cast: Cast, tmp_path: Path
) -> None:
    shop = cast.shop
    heads = [shop.pull(cast.opens()).head for _ in range(4)]
    forge = shop.house.forges["git"]
    repo = forge.repos()[0]
    credential = forge.credential(repo, "read")
    url = f"{shop.settings.git_url}/git/ada/site.git"

    def fetch(turn: int) -> str:
        head = heads[turn % len(heads)]
        mirror = Mirror(tmp_path / "mirror.git", credential)
        mirror.fetch(url, head, str(turn % 3))
        return mirror.git.run("rev-parse", f"refs/intake/{turn % 3}/{head}").decode().strip()

    with ThreadPoolExecutor(8) as many:
        got = list(many.map(fetch, range(24)))
        moved = many.submit(cast.pushes, shop.newest(), {"more.html": "<p>More</p>\n"})
        got += list(many.map(fetch, range(24)))
    assert moved.result()
    assert got == [heads[turn % len(heads)] for turn in range(24)] * 2
    Mirror(tmp_path / "mirror.git").git.run("fsck", "--full", "--strict")


# --- where from -----------------------------------------------------------------------

ELSEWHERE = [
    "ext::sh -c touch% SENTINEL",
    "fd::17",
    "file:///etc",
    "/etc",
    "--upload-pack=touch SENTINEL",
    "ssh://-oProxyCommand=touch%20SENTINEL/x",
    "git@127.0.0.1:x/y.git",
    "git://127.0.0.1:PORT/x",
    "ftp://127.0.0.1:PORT/x",
    "http://ada:secret@127.0.0.1:PORT/x.git",
    "http:///x",
    "http://127.0.0.1:PORT/x\r\nHost: evil",
    "",
]


@pytest.mark.parametrize("url", ELSEWHERE, ids=ascii)
def test_no_address_makes_git_run_or_reach_anything_but_a_web_server(
    tmp_path: Path, url: str
) -> None:
    sentinel = tmp_path / "sentinel"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        address = url.replace("SENTINEL", str(sentinel)).replace("PORT", str(port))
        mirror = Mirror(tmp_path / "mirror.git", limits=Limits(seconds=5))
        with pytest.raises((TryLater, OperatorError)):
            mirror.fetch(address, "a" * 40, "1")
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert not sentinel.exists()


def test_a_redirect_leads_nowhere(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside:
        place = f"http://127.0.0.1:{inside.getsockname()[1]}/secret.git/info/refs"

        class Redirect(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302)
                self.send_header("Location", place)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """Quiet."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Redirect) as outside:
            serving = threading.Thread(target=outside.serve_forever, args=(0.02,))
            serving.start()
            url = f"http://127.0.0.1:{outside.server_address[1]}/x.git"
            with pytest.raises((TryLater, OperatorError)):
                Mirror(tmp_path / "mirror.git").tips(url, ["main"])
            with pytest.raises((TryLater, OperatorError)):
                Mirror(tmp_path / "mirror.git").fetch(url, "a" * 40, "1")
            outside.shutdown()
            serving.join()
        inside.setblocking(False)
        with pytest.raises(BlockingIOError):
            inside.accept()


def test_a_submodule_is_never_fetched(cast: Cast) -> None:
    shop = cast.shop
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/x.git"
        module = f'[submodule "x"]\n\tpath = x\n\turl = {url}\n'.encode()
        tree = cast.plumb("mktree", feed=f"160000 commit {'c' * 40}\tx\n".encode())
        entries = {b".gitmodules": ("100644", cast.blob(module)), b"below": ("040000", tree)}
        number = cast.brings(cast.commit(entries))
        shop.settle()
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert shop.standing(number) == "needs changes"
    assert ".gitmodules` is protected" in shop.status_text(number)


# --- at Bitbucket Cloud, whose git takes any ref ---------------------------------------


def test_a_replaced_object_hides_nothing(cloud: CloudShop) -> None:
    """Whoever honours refs/replace/ in a fork reads the harmless file."""
    cast = cloud.cast
    torn = "<<<<<<< HEAD\nevil\n>>>>>>> x\n"
    cast.ada.must("switch", "--quiet", "main", within=cast.clone)
    cast.ada.propose(cast.clone, "torn", {"page.html": torn}, "Add a page")
    (cast.clone / "harmless").write_text("<p>Harmless</p>\n")
    harmless = cast.ada.must("hash-object", "-w", "harmless", within=cast.clone).strip()
    evil = cast.ada.must("rev-parse", "HEAD:page.html", within=cast.clone).strip()
    cast.ada.must("replace", evil, harmless, within=cast.clone)
    cast.ada.must("push", "--quiet", "origin", f"refs/replace/{evil}", within=cast.clone)
    number = cast.opens_existing("torn")
    cloud.settle()
    assert cloud.standing(number) == "needs changes", cloud.why(number)
    assert "`page.html:1`" in cloud.status_text(number)
    git = cloud.house.mirror(cast.forge.repos()[0]).git
    assert b"refs/replace" not in git.run("for-each-ref")


def test_a_branch_named_like_a_command_is_a_name(cloud: CloudShop) -> None:
    branch = "-$(touch${IFS}here);`id`|\u202ex@{all}".replace("@{", "@").lstrip("-")
    number, _ = cloud.cast.opens(branch, {".gitattributes": "* -diff\n"}, title="Add a page")
    cloud.settle()
    assert cloud.standing(number) == "needs changes", cloud.why(number)
    pushes = re.findall(r"^git push .*$", cloud.status_text(number), re.MULTILINE)
    assert pushes
    for push in pushes:
        assert "\u202e" not in push and "$'" in push
        words = subprocess.run(
            ["bash", "-c", f"git() {{ printf '%s\\n' \"$@\"; }}; {push}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert words.stdout.splitlines()[-1] == f"HEAD:refs/heads/{branch}"


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
