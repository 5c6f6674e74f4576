"""intakebot parse: what the bot would understand of one webhook request. Nothing is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import BinaryIO

import click

from intakebot import settings
from intakebot.core import dialect as dialects
from intakebot.core.dialect import Dialect
from intakebot.core.strict_json import BadBody
from intakebot.model import Event, Ignored, OperatorError


@click.command()
@click.argument("forge")
@click.argument("file", type=click.File("rb"))
@click.option(
    "-H", "--header", "lines", multiple=True, metavar="'NAME: VALUE'", help="Add a header."
)
@click.option(
    "--secret", help="Check the signature with it; else INTAKEBOT_SECRET_<FORGE> is used."
)
def parse(forge: str, file: BinaryIO, lines: tuple[str, ...], secret: str | None) -> None:
    """Read FILE, a request to the webhook of FORGE, and print the event it tells of as JSON.

    FILE is a recorded request (.http) or a bare body, whose headers -H gives; - is standard input.
    A request recorded at /hooks/FORGE/NONCE is checked with the secret derived for that address.
    Exit code 0: read or ignored; 1: refused; 2: asked wrongly.
    """
    dialect = _dialect(forge)
    secrets = [secret] if secret is not None else _secrets_of(forge, os.environ)
    try:
        data = file.read()
        headers, body = _request(data, _given_headers(lines))
        if secrets is not None:
            secrets = dialects.secrets_at(dialects.recorded_nonce(data), secrets)
        _check_signature(dialect, headers, body, secrets)
        found = dialects.read_event(dialect, headers, body)
    except (BadBody, OperatorError) as refusal:
        raise click.ClickException(str(refusal)) from None
    # ASCII: what a stranger wrote can't move the cursor or turn the writing direction.
    click.echo(json.dumps(_as_json(found)))


def _dialect(forge: str) -> Dialect:
    try:
        files = settings.dialect_files()
        name = f"{forge}.toml"
        if name in files:
            return dialects.read_dialect(name, files[name])
    except OperatorError as error:
        raise click.ClickException(str(error)) from None
    known = ", ".join(sorted(file.removesuffix(".toml") for file in files))
    raise click.BadParameter(f"{forge!r} is not known; known: {known}", param_hint="FORGE")


def _secrets_of(forge: str, environ: Mapping[str, str]) -> Sequence[str] | None:
    """None when the variable is not set; several while a secret is being rotated."""
    value = environ.get(f"INTAKEBOT_SECRET_{forge.upper().replace('-', '_')}")
    if value is None:
        return None
    return [secret for secret in map(str.strip, value.split(",")) if secret]


def _given_headers(lines: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise click.BadParameter(f"{line!r} is not 'Name: value'", param_hint="-H")
        headers[name.strip()] = value.strip()
    return headers


def _request(data: bytes, given: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    """Headers given by hand win over recorded ones."""
    recorded, body = dialects.read_request(data) if dialects.is_request(data) else ({}, data)
    replaced = {name.lower() for name in given}
    kept = {name: value for name, value in recorded.items() if name.lower() not in replaced}
    return {**kept, **given}, body


def _check_signature(
    dialect: Dialect, headers: Mapping[str, str], body: bytes, secrets: Sequence[str] | None
) -> None:
    if secrets is None:
        click.echo("No secret given: the signature was not checked.", err=True)
    elif not dialects.verify(dialect, headers, body, secrets):
        raise OperatorError(
            f"{dialect.forge}: {dialect.signature.header} is missing or does not match the secret"
        )


def _as_json(found: Event | Ignored) -> dict[str, object]:
    if isinstance(found, Ignored):
        return {"ignored": found.why}
    return {key: value for key, value in asdict(found).items() if value is not None}
