"""Comments and marks that switch a check off: for a line, a file, or a whole test.

Each may be right. Whoever looks should see that it came along, and a number of lint findings means
little without the number of those that were silenced.
"""

from __future__ import annotations

from collections.abc import Iterator

from intakebot.detectors.signs import in_text, signs

# As each tool documents it. Without their comment signs, which differ by the kind of file.
SIGNS = signs(
    rb"#\s*noqa|#\s*type:\s*ignore|#\s*(?:ruff|flake8):\s*noqa|pylint:\s*disable|pyright:\s*ignore"
    rb"|mypy:\s*ignore-errors|pragma:\s*no cover|#\s*nosec\b"
    rb"|eslint-disable|oxlint-disable|tslint:disable|biome-ignore|stylelint-disable|jshint ignore"
    rb"|@ts-(?:ignore|nocheck|expect-error)|\$Flow(?:FixMe|Ignore)|(?:istanbul|c8|v8) ignore"
    rb"|phpcs:(?:ignore|disable)|@phpcsSuppress|@phpstan-ignore|@psalm-suppress|@codeCoverageIgnore"
    rb"|shellcheck disable|hadolint ignore|yamllint disable|djlint:\s*off|htmlhint \S+:false"
    rb"|NOSONAR|nolint|@SuppressWarnings|#pragma warning disable"
    rb"|@(?:pytest\.mark|unittest)\.(?:skip|xfail|expectedFailure)|\bpytest\.skip\(|markTest(?:Skipped|Incomplete)\("
    rb"|\b(?:it|test|describe|context|suite)\.skip\(|\b(?:xit|xtest|xdescribe|fit|fdescribe)\("
    rb"|\b(?:it|test|describe)\.only\(|@Disabled\b|@Ignore\b"
)
PROSE = (".md", ".txt", ".rst", ".adoc", ".html", ".htm", ".svg", ".po", ".xliff")
LONGEST = 20_000  # bytes of a line; one that is longer was written by a program
SHOWN = 40  # characters


def suspects(data: bytes) -> bool:
    return in_text(SIGNS, data)


def detect(path: str, data: bytes) -> Iterator[tuple[int, str]]:
    if path.lower().endswith(PROSE) or not suspects(data):
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        match = SIGNS.search(line) if len(line) <= LONGEST else None
        if match is not None:
            sign = match[0].decode("utf-8", "replace").strip(" \t#(")
            yield number, f"a check is switched off: {' '.join(sign.split())[:SHOWN]}"
