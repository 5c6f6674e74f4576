"""What each detector finds, what it lets through, and that nothing a file holds makes it fail."""

from __future__ import annotations

import base64
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intakebot import detectors
from intakebot.detectors import DETECTORS, archives


def zipped(*names: str, before: bytes = b"") -> bytes:
    made = io.BytesIO(before)
    made.seek(0, io.SEEK_END)
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "content")
    return made.getvalue()


def tarred(*names: str, mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return made.getvalue()


def found(name: str, data: bytes, path: str = "a.txt") -> list[tuple[int, str]]:
    return list(DETECTORS[name].detect(path, data))


def test_every_module_of_the_folder_is_a_detector_of_its_name_or_serves_them() -> None:
    modules = {path.stem for path in Path(detectors.__file__).parent.glob("[a-z]*.py")}
    assert modules == {*DETECTORS, "signs"}


# --- pointers -------------------------------------------------------------------------

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"


def test_a_pointer_of_git_lfs_is_told_with_the_size_of_its_file() -> None:
    assert found("pointers", POINTER + b"size 81234567\n", "film.mp4") == [
        (0, "a pointer to a file of 81,234,567 bytes")
    ]
    assert found("pointers", POINTER, "film.mp4") == [(0, "a pointer to a file")]
    assert found("pointers", b"# " + POINTER, "docs/lfs.md") == []
    assert found("pointers", POINTER + b"and how it is meant:\n" * 60, "docs/lfs.txt") == []


# --- programs -------------------------------------------------------------------------

WINDOWS = b"MZ".ljust(0x3C, b"\0") + b"\x40\0\0\0PE\0\0"


@pytest.mark.parametrize(
    ("path", "data", "told"),
    [
        ("a.txt", b"\x7fELF\x02\x01\x01", "a program or library for Linux (ELF)"),
        ("a", b"\xcf\xfa\xed\xfe\x07\0\0\x01", "a program or library for macOS (Mach-O)"),
        ("a", b"\xca\xfe\xba\xbe\0\0\0\x02", "a program or library for macOS (Mach-O)"),
        ("A.png", b"\xca\xfe\xba\xbe\0\0\0\x41", "a compiled Java class"),
        ("a.dat", WINDOWS, "a program or library for Windows"),
        ("a.js", b"\0asm\x01\0\0\0", "a WebAssembly module"),
        ("a.pyc", b"\xa7\r\r\n\0\0\0\0", "compiled Python"),
        ("Set up.MSI", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an installer for Windows (MSI)"),
    ],
)
def test_a_program_is_known_by_its_content(path: str, data: bytes, told: str) -> None:
    assert found("programs", data, path) == [(0, told)]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("run.sh", b"#!/bin/sh\nexit\n"),
        ("a.txt", b"MZ is how it begins"),
        ("a.txt", b"ab\r\nin two lines\r\n"),
        ("a.pyc", b"ab"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("a.woff2", b"wOF2\0\x01\0\0"),
        ("a.pdf", b"%PDF-1.7\n"),
        ("a", b"\xca\xfe\xba\xbe"),
        ("a", b"MZ"),
        ("a", b""),
    ],
)
def test_pictures_fonts_documents_and_scripts_are_no_programs(path: str, data: bytes) -> None:
    assert found("programs", data, path) == []


# --- archives -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (zipped("a.html"), "a zip archive with a.html"),
        (zipped(*"abcde"), "a zip archive with a, b, c and 2 more"),
        (zipped("a", before=b"#!/bin/sh\nexit\n"), "a program and a zip archive behind it with a"),
        (zipped(), "an empty zip archive"),
        (b"PK\x03\x04aaaa", "a zip archive"),
        (tarred("a", "b"), "a tar archive with a, b"),
        (tarred("a", mode="w:gz"), "a gzip file"),
        (tarred("a", mode="w:bz2"), "a bzip2 file"),
        (tarred("a", mode="w:xz"), "an xz file"),
        (zipped("../../etc/passwd")[:40], "a zip archive with ../../etc/"),
        (b"# v2 git bundle\n\n", "a git bundle"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_archive_is_known_whatever_it_is_called(data: bytes, told: str) -> None:
    assert found("archives", data, "images/logo.png") == [(0, told)]


def test_an_archive_in_base64_is_told_on_its_line() -> None:
    text = base64.encodebytes(zipped("a.html", "b.html"))
    assert found("archives", b"data = '''\n" + text) == [(2, "a zip archive in base64")]


def test_what_git_lfs_keeps_elsewhere_is_known_by_its_name() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    assert found("archives", pointer, "site.ZIP") == [
        (0, "a pointer to an archive that git-lfs keeps")
    ]
    assert found("archives", pointer, "photo.jpg") == []


@pytest.mark.parametrize(
    "data",
    [b"", b"text", b"BZh is how bzip2 begins", b"UEsDBA== is short", zipped("[Content_Types].xml")],
)
def test_text_and_documents_of_an_office_are_no_archives(data: bytes) -> None:
    assert found("archives", data) == []


def test_a_very_long_list_is_not_read() -> None:
    """Each of its files would be an object in memory: of 16 MB of list, a few hundred MB."""
    many = zipped(*(f"{number:0100}" for number in range(10_000)))
    assert found("archives", many) == [(0, f"a zip archive with {0:080}")]


def test_a_tar_that_lies_about_its_sizes_is_listed_as_far_as_it_goes() -> None:
    lying = bytearray(tarred("a", "b", "c"))
    lying[512 + 124 : 512 + 136] = b"77777777777\0"
    assert found("archives", bytes(lying)) == [(0, "a tar archive with a, b")]
    lying[124:136] = b"-1\0         "
    assert found("archives", bytes(lying)) == [(0, "a tar archive with a")]


def test_a_real_git_bundle_is_one(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    subprocess.run([*git, "bundle", "create", "-q", "b", "HEAD"], check=True)
    assert found("archives", (tmp_path / "b").read_bytes()) == [(0, "a git bundle")]


# --- hidden characters ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("if (a\u202e) {", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\u2066b", "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ("pass\u200bword", "U+200B ZERO WIDTH SPACE"),
        ("x\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("a\u2060b", "U+2060 WORD JOINER"),
        ("a\u200db", "U+200D ZERO WIDTH JOINER"),
        ("hi\U000e0041\U000e0042", "U+E0041 TAG LATIN CAPITAL LETTER A, U+E0042"),
        ("x" + "\U000e0100" * 9, "U+E0100 VARIATION SELECTOR-17"),
    ],
    ids=ascii,
)
def test_a_hidden_character_is_named_on_its_line(line: str, told: str) -> None:
    ((number, said),) = found("hidden_characters", f"\ufeffone\n{line}\nthree\n".encode(), "a.py")
    assert number == 2 and said.startswith(told)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("family: \U0001f468\u200d\U0001f469\u200d\U0001f467", "a.py"),
        ("flag: \U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "a.md"),
        ("می\u200cخواهم", "a.md"),
        ("क्\u200dष", "a.html"),
        ("he said \u200f\u05e9\u05dc\u05d5\u05dd\u200e!", "a.html"),
        ("\u2067\u05e9\u05dc\u05d5\u05dd\u2069", "a.md"),
        ("dash \u2013 quotes \u201c\u201d bullet \u2022 ellipsis\u2026", "a.py"),
        ("\u2764\ufe0f", "a.py"),
    ],
    ids=ascii,
)
def test_what_writing_needs_is_let_through(line: str, path: str) -> None:
    assert found("hidden_characters", f"{line}\n".encode(), path) == []


def test_direction_marks_in_code_and_those_left_open_are_told() -> None:
    hebrew = "\u05e9\u05dc\u05d5\u05dd"
    assert found("hidden_characters", f"\u2067{hebrew}\u2069\n".encode(), "a.js")
    assert found("hidden_characters", f"\u2067{hebrew}\n".encode(), "a.md")


def test_binary_content_is_not_read_as_text() -> None:
    assert found("hidden_characters", b"\x00\x01" + "\u202e".encode()) == []


# --- secrets --------------------------------------------------------------------------

# Put together here, so that nobody's scanner takes this file for a leak.
LEAKS = {
    "an AWS access key": "AK" + "IA1234567890ABCDEF",
    "a private key": "-----BEGIN RSA PRIV" + "ATE KEY-----",
    "a login with its password": "https://bob:" + "hunter2@example.com/",
    "a GitHub token": "gh" + "p_" + "a1B2" * 9,
    "a GitLab token": "gl" + "pat-" + "abcdefghij0123456789",
    "a Slack token": "xo" + "xb-123456789012-abcdefghijklm",
    "a Stripe key": "sk_" + "live_" + "abcd1234" * 3,
    "a SendGrid key": "S" + "G." + "a" * 22 + "." + "b" * 43,
    "a Mailchimp key": "0123456789abcdef" * 2 + "-us12",
}


@pytest.mark.parametrize(("kind", "secret"), LEAKS.items())
def test_a_secret_is_told_by_its_kind_and_never_said_again(kind: str, secret: str) -> None:
    text = f"// settings\nconst key = '{secret}';\n".encode()
    assert found("secrets", text) == [(2, kind)]
    minified = b"x" * 5000 + b" " + text.replace(b"\n", b" ") + b"y" * 5000
    assert found("secrets", minified) == [(1, kind)]


@pytest.mark.parametrize(
    "line",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "https://user:password@example.com",
        "postgres://postgres:postgres@localhost/test",
        "https://${USER}:${PASSWORD}@example.com",
        "https://<user>:<token>@example.com",
        "integrity sha512-oRlcDF8bWmBcEHYHrKKAHRFBGRMKKDkPQA6EPJDUmZDSCYYmtCJPWHXnRl85ycnhzDs6PJ",
        "password = input()",
        "mailto:bob@example.com",
    ],
)
def test_what_documentation_and_lock_files_have_is_no_secret(line: str) -> None:
    assert found("secrets", f"{line}\n".encode()) == []


# --- suppressions ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "line", "sign"),
    [
        ("a.py", "import os  # noqa: F401", "noqa"),
        ("a.py", "x = y  # type:  ignore[arg-type]", "type: ignore"),
        ("a.py", "@pytest.mark.skip(reason='slow')", "@pytest.mark.skip"),
        ("a.js", "// eslint-disable-next-line no-undef", "eslint-disable"),
        ("a.ts", "  // @ts-expect-error", "@ts-expect-error"),
        ("a.ts", "describe.skip('cart', () => {", "describe.skip"),
        ("a.test.js", "it.only('adds', () => {", "it.only"),
        ("a.css", "/* stylelint-disable */", "stylelint-disable"),
        ("a.php", "echo $x; // phpcs:ignore", "phpcs:ignore"),
        ("a.php", "$this->markTestSkipped('later');", "markTestSkipped"),
        ("a.sh", "# shellcheck disable=SC2086", "shellcheck disable"),
    ],
)
def test_what_switches_a_check_off_is_told_by_its_own_word(path: str, line: str, sign: str) -> None:
    text = f"first\n{line}\nlast\n".encode()
    assert found("suppressions", text, path) == [(2, f"a check is switched off: {sign}")]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("guide.md", "write `# noqa` behind the line"),
        ("a.py", "noqa = 1"),
        ("a.py", "skip(3); list.skip(4)"),
        ("a.js", "exit('done'); fit = 3; edit.only(1)"),
        ("a.bin", "\0\0 # noqa"),
        ("app.min.js", "x" * 30_000 + " eslint-disable"),
    ],
)
def test_prose_programs_output_and_other_words_switch_nothing_off(path: str, line: str) -> None:
    assert found("suppressions", f"{line}\n".encode(), path) == []


# --- all of them ----------------------------------------------------------------------


@pytest.mark.parametrize("name", DETECTORS)
@given(data=st.binary(max_size=2000))
def test_whatever_a_file_holds_is_looked_at_without_a_fault(name: str, data: bytes) -> None:
    detector = DETECTORS[name]
    for magic in (b"", *archives.BEGINNINGS, b"\xe2\x80\xae", b"PRIVATE KEY", b"# noqa"):
        text = magic + data
        answers = list(detector.detect("a.md", text))
        assert all(0 <= line <= text.count(b"\n") + 1 and what for line, what in answers)
        assert detector.suspects(text) or not answers


HOSTILE = {
    "text": b"all of this is text, and nothing is in it\n" * 25_000,
    "one line": b"a" * (1 << 20),
    "signs in one line": b"://a:b@PRIVATE KEY AccountKey= " * 30_000,
    "suppressions in many lines": b"x  # noqa\n" * 100_000,
    "overrides in one line": "\u202e\u2066".encode() * 170_000,
    "a list that repeats": zipped("a") * 8_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", DETECTORS)
def test_a_megabyte_of_anything_is_bounded_in_what_it_yields(name: str, kind: str) -> None:
    answers = found(name, HOSTILE[kind])
    assert len(answers) <= HOSTILE[kind].count(b"\n") + 1
    assert all(len(what) < 1000 for _, what in answers)


def test_the_modules_are_those_that_are_listed() -> None:
    for name, each in DETECTORS.items():
        module = getattr(detectors, name)
        assert (each.detect, each.suspects) == (module.detect, module.suspects)
