"""Reports that the real tools wrote about the small site in `samples/site`, read as findings.

Recorded with ESLint 9, stylelint 16, ruff, shellcheck, hadolint, oxlint, yamllint, phpcs 3.7,
pytest, node 20 and perl 5.36; where a tool named its folder, it is /work now, as in the sandbox.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from intakebot.checks import formats
from intakebot.checks.formats import NAMES, BadReport
from intakebot.model import Finding, Fix, Level

SAMPLES = Path(__file__).with_name("samples")
YAMLLINT = (
    r"^(?P<path>[^:]+):(?P<line>\d+):(?P<column>\d+): "
    r"\[(?P<level>\w+)\] (?P<message>.*) \((?P<rule>[^)]+)\)$"
)
# File, format, how many findings, and of the first: path:line, level, rule.
RECORDED = [
    ("eslint.json", "eslint", 5, "app.js:1", "error", "no-var"),
    ("stylelint.json", "stylelint", 5, "css/site.css:1", "error", "color-hex-length"),
    ("ruff.sarif", "sarif", 5, "prices.py:1", "error", "E401"),
    ("hadolint.sarif", "sarif", 5, "Dockerfile:1", "warning", "DL3006"),
    ("ruff.github.txt", "github", 5, "prices.py:1", "error", "E401"),
    ("stylelint.github.txt", "github", 5, "css/site.css:1", "error", ""),
    ("oxlint.github.txt", "github", 1, "app.js:2", "warning", "no-unused-vars"),
    ("yamllint.github.txt", "github", 3, "x.yml:1", "warning", "document-start"),
    ("ruff.codeclimate.json", "codeclimate", 5, "prices.py:1", "error", "E401"),
    ("hadolint.codeclimate.txt", "codeclimate", 5, "Dockerfile:1", "error", "DL3006"),
    ("hadolint.codeclimate.json", "codeclimate", 5, "Dockerfile:1", "error", "DL3006"),
    ("ruff.rdjson", "rdjson", 5, "prices.py:1", "warning", "E401"),
    ("pytest.junit.xml", "junit", 1, "tests/test_prices.py:5", "error", "test_total"),
    ("shellcheck.checkstyle.xml", "checkstyle", 5, "run.sh:2", "warning", "ShellCheck.SC2164"),
    ("hadolint.checkstyle.xml", "checkstyle", 5, "Dockerfile:1", "warning", "DL3006"),
    (
        "phpcs.checkstyle.xml",
        "checkstyle",
        4,
        "page.php:2",
        "error",
        "PEAR.Commenting.FileComment.Missing",
    ),
    ("oxlint.checkstyle.xml", "checkstyle", 1, "app.js:2", "warning", "eslint(no-unused-vars)"),
    ("node.tap", "tap", 1, "t.test.mjs:3", "error", "multiplies"),
    ("perl.tap", "tap", 1, "counts", "error", "counts"),
    ("stylelint.tap", "tap", 1, "css/site.css", "error", "/work/css/site.css"),
    ("yamllint.parsable.txt", "regex", 3, "x.yml:1", "warning", "document-start"),
]


def read(name: str, kind: str) -> tuple[Finding, ...]:
    pattern = YAMLLINT if kind == "regex" else ""
    return formats.parser(kind, pattern)((SAMPLES / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "kind", "count", "place", "level", "rule"),
    RECORDED,
    ids=[recorded[0] for recorded in RECORDED],
)
def test_what_a_real_tool_wrote_is_read(
    name: str, kind: str, count: int, place: str, level: str, rule: str
) -> None:
    found = read(name, kind)
    assert len(found) == count
    assert (found[0].place, found[0].level.value, found[0].rule) == (place, level, rule)
    assert all(one.message for one in found)


def test_each_format_has_a_sample_or_is_a_line_of_one() -> None:
    assert {kind for _, kind, *_ in RECORDED} | {"rdjsonl"} == set(NAMES)


# Whatever lines there are of these are a whole report.
ENDLESS = {"github", "regex"}


@pytest.mark.parametrize(("name", "kind"), [one[:2] for one in RECORDED if one[1] not in ENDLESS])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_report_that_was_cut_off_is_broken_and_shows_how_it_begins(
    name: str, kind: str, share: float
) -> None:
    data = (SAMPLES / name).read_bytes()
    cut = data[: int(len(data) * share)]
    with pytest.raises(BadReport) as refusal:
        formats.parser(kind)(cut)
    begins = cut.decode().splitlines()[0].replace("\0", "")[:20]
    assert begins in str(refusal.value)


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind not in {*ENDLESS, "rdjsonl"}])
@pytest.mark.parametrize("data", [b"", b"Segmentation fault\n", b"\xff\xfe\x00", b"null", b"{}"])
def test_what_is_no_report_of_the_format_is_broken(kind: str, data: bytes) -> None:
    if kind == "codeclimate" and not data:
        return  # an engine that found nothing writes nothing
    with pytest.raises(BadReport):
        formats.parser(kind)(data)


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("text", ["[" * 100_000, "{" * 100_000, "<a>" * 100_000, "ok " * 100_000])
def test_nothing_that_is_written_takes_a_parser_down(kind: str, text: str) -> None:
    pattern = YAMLLINT if kind == "regex" else ""
    with suppress(BadReport):
        assert formats.parser(kind, pattern)(text.encode()) == ()


def test_a_fix_says_what_to_put_where() -> None:
    fixes = [one.fix for one in read("eslint.json", "eslint") if one.fix]
    [semicolon] = fixes
    source = (SAMPLES / "site" / "app.js").read_text()
    assert applied(source, semicolon) == source.replace("a;;", "a;")
    sarif = [one.fix for one in read("ruff.sarif", "sarif")]
    assert sarif == [one.fix for one in read("ruff.rdjson", "rdjson")]
    assert sarif[0] is not None and sarif[0].text == "import os\nimport sys"


def applied(source: str, fix: Fix) -> str:
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    start = starts[fix.line - 1] + fix.column - 1
    end = starts[fix.end_line - 1] + fix.end_column - 1
    return source[:start] + fix.text + source[end:]


def test_a_fix_behind_wide_characters_is_where_the_tool_meant() -> None:
    data = (
        b'[{"filePath": "a.js", "source": "// \xf0\x9f\x8e\x89\\nlet a;;\\n", "messages": ['
        b'{"severity": 2, "message": "x", "line": 2, "fix": {"range": [12, 13], "text": ""}}]}]'
    )
    [found] = formats.parser("eslint")(data)
    assert found.fix is not None
    assert (found.fix.line, found.fix.column, found.fix.end_column) == (2, 7, 8)


def test_json_lines_are_read_one_by_one() -> None:
    line = b'{"message": "x", "location": {"path": "a.py", "range": {"start": {"line": 3}}}}'
    assert [one.place for one in formats.parser("rdjsonl")(line + b"\n\n" + line)] == ["a.py:3"] * 2
    assert formats.parser("rdjsonl")(b"") == ()
    with pytest.raises(BadReport, match="whole JSON"):
        formats.parser("rdjsonl")(line + b"\n" + line[:40])


def test_what_sarif_says_is_suppressed_or_passed_is_no_finding() -> None:
    result = (
        '{"message": {"text": "x"}, "locations": [{"physicalLocation": '
        '{"artifactLocation": {"uri": "a.py"}}}]%s}'
    )
    more = ("", ', "suppressions": [{"kind": "inSource"}]', ', "kind": "pass"')
    results = ",".join(result % one for one in more)
    driver = '{"driver": {"name": "lint"}}'
    data = f'{{"version": "2.1.0", "runs": [{{"tool": {driver}, "results": [{results}]}}]}}'
    assert len(formats.parser("sarif")(data.encode())) == 1


def test_a_test_that_was_expected_to_fail_is_no_finding() -> None:
    data = b"1..3\nnot ok 1 - later # TODO\nok 2 # skip no network\nnot ok 3 - now\n"
    found = formats.parser("tap")(data)
    assert [one.rule for one in found] == ["now"]
    assert formats.summarise("tap", data, found) == "1 of 3 tests failed: now"
    with pytest.raises(BadReport, match="gave up: Bail out! No database"):
        formats.parser("tap")(b"1..3\nok 1\nBail out! No database\n")


def test_levels_of_lines_that_a_pattern_reads() -> None:
    pattern = r"^(?P<level>\w+) (?P<path>\S+) (?P<message>.+)$"
    data = b"E a.py one\nwarning a.py two\nSTYLE a.py three\nodd a.py four\n"
    levels = [one.level for one in formats.parser("regex", pattern)(data)]
    assert levels == [Level.ERROR, Level.WARNING, Level.NOTE, Level.WARNING]
