"""Messages of rules: Markdown with placeholders, filled so that values stay values.

What a value turns into depends on where its `{name}` stands: escaped words in a sentence, one
code span inside backticks, quoted words of a command in a fence marked `sh`, plain visible
text in any other fence, a link inside `<` and `>`. So a hostile branch name can be shown, and
pasted, without harm.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence

from intakebot.core import escape
from intakebot.core.expression import did_you_mean

Value = str | int | bool | Sequence[str]

LIST_LIMIT = 20
SHELLS = frozenset({"sh", "bash", "shell", "console", "zsh"})
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_PLACE_OR_LINK = re.compile(r"<\{(?P<link>[a-z_]+)\}>|\{(?P<plain>[a-z_]+)\}")
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,}) *(?P<language>\w*) *\n"
    r"(?P<body>.*?)"
    r"^(?P=indent)(?P=ticks) *$",
    re.MULTILINE | re.DOTALL,
)
_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<body>.+?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)


class BadWording(Exception):
    """A message that cannot be filled safely; said when it is loaded."""


# --- loading --------------------------------------------------------------------------


def check(source: str, known: Collection[str]) -> None:
    """Raises BadWording. `known` are the placeholders that may be used."""
    for name in _PLACEHOLDER.findall(source):
        if name not in known:
            hint = did_you_mean(name, sorted(known))
            raise BadWording(f"there is no placeholder '{{{name}}}'.{hint}")
    for block in _FENCE.finditer(source):
        if block["language"] in SHELLS:
            _check_commands(block["body"])
    outside = _FENCE.sub("", source)
    if "`" in _SPAN.sub("", outside) or "~~~" in outside:
        raise BadWording("a backtick or a fence is opened and not closed")
    if re.search(r"\]\([^)]*\{", outside):
        raise BadWording("a placeholder cannot be the address of a link; show it as `{name}`")


def _check_commands(commands: str) -> None:
    for found in _PLACEHOLDER.finditer(commands):
        before = commands[commands.rfind("\n", 0, found.start()) + 1 : found.start()]
        if any(before.count(quote) % 2 for quote in "'\"`"):
            raise BadWording(f"{found[0]} stands in quotes; leave them out, they are added")


# --- filling --------------------------------------------------------------------------


def fill(source: str, values: Mapping[str, Value]) -> str:
    """`source` has passed `check`; `values` holds every placeholder that it uses."""
    return _around(_FENCE, source, lambda block: _block(block, values), values)


def fill_each(source: str, values: Mapping[str, Value], items: Sequence[str]) -> str:
    """A list with one entry for each item; `{item}` stands for it."""
    entries = [fill(source, {**values, "item": item}) for item in items[:LIST_LIMIT]]
    if len(items) > LIST_LIMIT:
        entries.append(f"and {len(items) - LIST_LIMIT} more")
    return "\n".join("- " + textwrap.indent(entry, "  ").lstrip(" ") for entry in entries)


def uses(source: str, name: str) -> bool:
    return name in _PLACEHOLDER.findall(source)


def _around(
    pattern: re.Pattern[str],
    source: str,
    inside: Callable[[re.Match[str]], str],
    values: Mapping[str, Value],
) -> str:
    """Matches become `inside` of them; what lies between is filled as prose."""
    done: list[str] = []
    end = 0
    for found in pattern.finditer(source):
        done += [_prose(source[end : found.start()], values), inside(found)]
        end = found.end()
    return "".join([*done, _prose(source[end:], values)])


def _prose(source: str, values: Mapping[str, Value]) -> str:
    """Outside of fences: sentences, with code spans in them."""
    if "`" not in source:
        return _PLACE_OR_LINK.sub(lambda found: _word(found, values), source)
    return _around(
        _SPAN, source, lambda span: escape.code(_replace(span["body"], values, _raw)), values
    )


def _word(found: re.Match[str], values: Mapping[str, Value]) -> str:
    """`<{name}>` is a link that can be clicked, where the value is a plain web address."""
    if found["link"]:
        return escape.link(_single(values[found["link"]]))
    return _words(values[found["plain"]])


def _block(block: re.Match[str], values: Mapping[str, Value]) -> str:
    body = textwrap.dedent(block["body"])
    write = _arguments if block["language"] in SHELLS else _shown
    filled = escape.fence(_replace(body, values, write), block["language"])
    return textwrap.indent(filled, block["indent"])


def _replace(source: str, values: Mapping[str, Value], write: Callable[[Value], str]) -> str:
    return _PLACEHOLDER.sub(lambda found: write(values[found[1]]), source)


# --- one value, in each place ---------------------------------------------------------


def _single(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _is_list(value: Value) -> bool:
    return not isinstance(value, str | int)


def _texts(value: Value) -> list[str]:
    return [_single(value)] if isinstance(value, str | int) else list(value)


def _words(value: Value) -> str:
    if not _is_list(value):
        return escape.text(_single(value))
    texts = _texts(value)
    shown = [escape.code(item) for item in texts[:LIST_LIMIT]]
    if len(texts) > LIST_LIMIT:
        shown.append(f"and {len(texts) - LIST_LIMIT} more")
    return ", ".join(shown) or "none"


def _raw(value: Value) -> str:
    return ", ".join(_texts(value))


def _shown(value: Value) -> str:
    return ", ".join(map(escape.visible, _texts(value)))


def _arguments(value: Value) -> str:
    return " ".join(map(escape.shell, _texts(value)))
