"""intakebot connect and disconnect: set a repository up as a gate, or take that back."""

from __future__ import annotations

import json
from pathlib import Path

import click

from intakebot.cli.main import JSON, STATE, house_at
from intakebot.flow import connect as flow
from intakebot.model import Kind, OperatorError
from intakebot.settings import Settings
from intakebot.store import schema
from intakebot.store.database import Database
from intakebot.wiring import bitbucket_admin, bitbucket_bot, dialects, now

FORGES = click.Choice([flow.FORGE])
YES = click.option("--yes", is_flag=True, help="Do it; without, it is only shown.")


@click.command(epilog="Example: intakebot connect bitbucket-cloud acme/site --deploy live --yes")
@click.argument("forge", type=FORGES)
@click.argument("repository", metavar="WORKSPACE/REPO")
@click.option(
    "--intake", metavar="BRANCH", default="main", show_default=True, help="Takes changes."
)
@click.option("--deploy", metavar="BRANCH", default="", help="Goes live; --intake unless told.")
@YES
@JSON
@STATE
def connect(
    forge: str,
    repository: str,
    intake: str,
    deploy: str,
    yes: bool,
    as_json: bool,
    state: Path | None,
) -> None:
    """Install the webhook and let only the bot write to protected branches of a repository.

    Needs the token of an administrator in BITBUCKET_ADMIN_TOKEN (and BITBUCKET_ADMIN_EMAIL); it
    is used here alone and never kept.
    """
    settings = house_at(state, make=True)
    database = _database(settings)
    api = bitbucket_admin(settings)
    wish = flow.Wish(
        intake=intake,
        deploy=deploy or intake,
        bot=bitbucket_bot(settings).id,
        public_url=settings.public_url,
        masters=settings.webhook_secrets.get(forge, ()),
        events=_events(forge),
    )
    seen = flow.outlook(api, database, repository, wish)
    if yes and not seen.faults:
        flow.connect(api, database, seen, wish, now())
    database.close()
    click.echo(_json(seen, yes) if as_json else _told(seen, yes))
    if seen.faults:
        raise OperatorError(f"{repository} was not connected; mend what is named above")


def _events(forge: str) -> list[str]:
    """Those that name a pull request or a push; others would cost surveys and tell nothing."""
    kinds = dialects()[forge].kinds
    return sorted(name for name, kind in kinds.items() if kind is not Kind.STATUS)


def _told(seen: flow.Outlook, yes: bool) -> str:
    lines = [f"{seen.repo.name}:"]
    lines += [f"  fault: {fault}" for fault in seen.faults]
    lines += [f"  note: {warning}" for warning in seen.warnings]
    done = "done" if yes and not seen.faults else "would"
    lines += [f"  {done}: {step.says}" for step in seen.steps]
    if not seen.steps:
        lines.append("  It is connected, and all is as it should be.")
    elif not yes and not seen.faults:
        lines.append("Nothing was changed; add --yes to do it.")
    return "\n".join(lines)


def _json(seen: flow.Outlook, yes: bool) -> str:
    return json.dumps(
        {
            "repository": seen.repo.name,
            "id": seen.repo.id,
            "faults": seen.faults,
            "warnings": seen.warnings,
            "steps": [step.says for step in seen.steps],
            "done": yes and not seen.faults,
        },
        indent=2,
    )


@click.command(epilog="Example: intakebot disconnect bitbucket-cloud acme/site --yes")
@click.argument("forge", type=FORGES)
@click.argument("repository", metavar="WORKSPACE/REPO")
@YES
@STATE
def disconnect(forge: str, repository: str, yes: bool, state: Path | None) -> None:
    """Remove the webhook and the restrictions that connect set; what others changed stays."""
    settings = house_at(state)
    database = _database(settings)
    api = bitbucket_admin(settings)
    seen = flow.undoing(api, database, repository, bitbucket_bot(settings).id)
    done = "removed" if yes else "would remove"
    if yes:
        flow.disconnect(api, database, seen)
    database.close()
    lines = [f"  {done}: the webhook"] if seen.hook else []
    lines += [f"  {done}: the restriction {says}" for _, says in seen.rules]
    lines += [f"  stays: {says}" for says in seen.left]
    lines.append("Disconnected." if yes else "Nothing was changed; add --yes to do it.")
    click.echo("\n".join([f"{seen.row.name}:", *lines]))


def _database(settings: Settings) -> Database:
    database = Database(settings.database_url)
    schema.upgrade(database, now=now())
    return database
