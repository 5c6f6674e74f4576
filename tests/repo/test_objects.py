"""Trees as tar streams and single files, exactly as their blobs have them."""

from __future__ import annotations

import io
import tarfile

import pytest

from intakebot.repo.change import tree_of
from intakebot.repo.objects import read_file, write_tar
from tests.repo.conftest import Work, git


def unpacked(work: Work, commit: str) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    out = io.BytesIO()
    write_tar(work.mirror, tree_of(work.mirror, commit), out)
    out.seek(0)
    found = {}
    with tarfile.open(fileobj=out) as tar:
        for item in tar:
            data = tar.extractfile(item) if item.isfile() else None
            found[item.name] = (item, data.read() if data else b"")
    return found


def test_attributes_do_not_hide_or_change_files(work: Work) -> None:
    commit = work.commit(
        {
            ".gitattributes": b"secret.txt export-ignore\nver.txt export-subst\n*.txt eol=crlf\n",
            "secret.txt": b"seen\n",
            "ver.txt": b"$Format:%H$\n",
        }
    )
    found = unpacked(work, commit)
    assert found["secret.txt"][1] == b"seen\n"
    assert found["ver.txt"][1] == b"$Format:%H$\n"


def test_modes_links_and_odd_names_come_through(work: Work) -> None:
    (work.folder / "run.sh").write_text("#!/bin/sh\n")
    (work.folder / "run.sh").chmod(0o755)
    (work.folder / "link").symlink_to("/etc/shadow")
    commit = work.commit({"a/line\nbreak ü.txt": b"x", "empty": b"", "big": b"\0" * 300_000})
    found = unpacked(work, commit)
    assert found["run.sh"][0].mode == 0o755
    assert found["link"][0].issym() and found["link"][0].linkname == "/etc/shadow"
    assert found["a/line\nbreak ü.txt"][1] == b"x"
    assert found["empty"][1] == b""
    assert found["big"][1] == b"\0" * 300_000


def test_submodules_are_left_out_and_never_fetched(work: Work) -> None:
    commit = work.commit({"a.txt": b"1\n"})
    git(work.folder, "update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    git(work.folder, "commit", "--quiet", "-m", "Add a submodule")
    assert set(unpacked(work, git(work.folder, "rev-parse", "HEAD"))) == {"a.txt"}


def test_a_file_is_read_from_a_commit_or_is_none(work: Work) -> None:
    (work.folder / "link.toml").symlink_to("real.toml")
    commit = work.commit({"real.toml": b"x = 1\n", "dir/inner.toml": b""})
    assert read_file(work.mirror, commit, "real.toml") == b"x = 1\n"
    assert read_file(work.mirror, commit, "dir/inner.toml") == b""
    assert read_file(work.mirror, commit, "missing.toml") is None
    assert read_file(work.mirror, commit, "dir") is None
    assert read_file(work.mirror, commit, "link.toml") is None


def test_a_file_over_the_limit_is_refused(work: Work) -> None:
    commit = work.commit({"big.toml": b"#" * 2000})
    with pytest.raises(ValueError, match="2000 bytes"):
        read_file(work.mirror, commit, "big.toml", limit=1000)


def test_packed_objects_are_read_as_well(work: Work) -> None:
    commit = work.commit({"a.toml": b"x = 1\n"})
    git(work.folder, "repack", "-adq")
    assert read_file(work.mirror, commit, "a.toml") == b"x = 1\n"
