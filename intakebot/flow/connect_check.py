"""What speaks for and against connecting a repository, each with its cure. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from intakebot.core.asks import listed
from intakebot.core.escape import visible
from intakebot.flow.connect_words import Check, Found, Wish
from intakebot.forges.bitbucket_cloud.admin import WITH_PEOPLE, Restriction
from intakebot.model import Account

SECRET = "INTAKEBOT_SECRET_BITBUCKET_CLOUD"  # noqa: S105 - the name of a variable


def check_house(public_url: str, masters: Sequence[str]) -> Iterator[Check]:
    """What is the same for every repository."""
    yield webhook_secret(masters)
    yield public_address(public_url)


def webhook_secret(masters: Sequence[str]) -> Check:
    about = "webhook secret"
    if not masters or not masters[0].strip():
        cure = f"set {SECRET} for the house and here, to the output of: openssl rand -hex 32"
        what = f"{SECRET} is not set, so there is no door for webhooks (they get 404)"
        return Check("fail", about, what, cure)
    return Check("ok", about, f"{SECRET} is set")


def public_address(url: str) -> Check:
    about = "public address"
    place = urlsplit(url)
    cure = "set PUBLIC_URL to the https address at which Bitbucket reaches this house"
    if not place.hostname or not is_public(place.hostname):
        what = (
            f"{url} can't be reached from outside: Bitbucket Cloud refuses such webhooks, and "
            "without them people wait minutes, until the bot looks by itself"
        )
        return Check("warn", about, what, cure)
    if place.scheme != "https":
        return Check("warn", about, f"{url} is not https, so that others may read along", cure)
    return Check("ok", about, url)


def is_public(host: str) -> bool:
    """By its look alone: nothing is resolved."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))


def check_repository(found: Found, wish: Wish, bot: Account) -> Iterator[Check]:
    """What keeps contributors out comes first."""
    yield fork_policy(found)
    if found.forking_mode == "internal_only" and found.repo.private:
        what = "the workspace allows forks of private repositories inside itself alone"
        cure = "Workspace settings → Settings → Forking; else agencies need a place in it"
        yield Check("warn", "forks in the workspace", what, cure)
    yield from levels(found)
    yield plan_of(found.restrictions)
    yield from seats(found)
    yield from branches(found, wish)
    yield from others(found.restrictions, wish, bot)


def fork_policy(found: Found) -> Check:
    repo, about = found.repo, "forks"
    match repo.fork_policy:
        case "no_forks":
            cure = (
                "Repository settings → Repository details → Forking: 'Allow only private forks' "
                "(or 'Allow forks')"
            )
            what = f"nobody can fork {repo.name}, so contributors can't send changes"
            return Check("fail", about, what, cure)
        case "no_public_forks" if not repo.private:
            what = f"{repo.name} is public, and its forks must be private, so the bot can't read"
            return Check("warn", about, f"{what} them until each owner lets it")
        case "no_public_forks":
            return Check("ok", about, "private forks are allowed")
        case "allow_forks":
            return Check("ok", about, "forks are allowed")
        case other:
            return Check("warn", about, f"the fork policy {other!r} is not known here")


def levels(found: Found) -> Iterator[Check]:
    """Only administrators may look up who may do what, which the bot does at each command."""
    read, land = found.levels.get("read"), found.levels.get("land")
    page = "Repository settings → Repository permissions → Add members"
    if read is not None and read != "admin":
        what = f"the bot has {read!r} and can't look up what people may do; every command waits"
        yield Check("fail", "the bot's right", what, f"{page}: give its account 'Admin'")
    if land is not None and land not in ("write", "admin"):
        what = f"the landing's account has {land!r} and can't push"
        yield Check("fail", "the bot's right to push", what, f"{page}: give it 'Write'")
    if read == "admin" and land in ("write", "admin", None):
        yield Check("ok", "the bot's right", "enough to look up rights, and to push")


def plan_of(restrictions: Sequence[Restriction]) -> Check:
    """The API tells no plan; only Premium has a rule that enforces merge checks."""
    about = "plan"
    if any(rule.kind == "enforce_merge_checks" for rule in restrictions):
        return Check("ok", about, "Premium: merge checks are enforced, besides the bot's own gate")
    what = (
        "the API does not tell it. On Free and Standard, merge checks only warn and approvals "
        "survive a push; the bot and the restrictions below are the gate on every plan"
    )
    return Check("ok", about, what)


def seats(found: Found) -> Iterator[Check]:
    """The API tells how many there are, and not how many the plan has."""
    if found.members is not None:
        what = (
            f"{found.members} have a place in the workspace, and the bot needs one, too. Free has "
            "5; with more than the plan has, nobody can push, the bot neither"
        )
        yield Check("ok", "seats", what)


def branches(found: Found, wish: Wish) -> Iterator[Check]:
    named = visible(wish.intake, 80)
    if wish.intake not in found.tips:
        cure = "name another with --intake, or push it once"
        yield Check("fail", "intake branch", f"{found.repo.name} has no branch {named}", cure)
    else:
        yield Check("ok", "intake branch", f"{named} is at {found.tips[wish.intake][:12]}")
    deploy = visible(wish.deploy, 80)
    if wish.deploy == wish.intake:
        yield Check("ok", "deploy branch", f"{deploy}: what lands is deployed at once")
    elif wish.deploy not in found.tips:
        yield Check("ok", "deploy branch", f"{deploy} is not there yet; the first landing makes it")
    else:
        yield Check("ok", "deploy branch", f"{deploy} is at {found.tips[wish.deploy][:12]}")


def others(restrictions: Sequence[Restriction], wish: Wish, bot: Account) -> Iterator[Check]:
    """Rules that are not about exactly our branches, and yet hold for them."""
    for rule in restrictions:
        if rule.kind not in WITH_PEOPLE or rule.pattern in wish.branches:
            continue
        named = (
            f"restriction {rule.id} ({rule.kind} on {visible(rule.pattern or rule.branch_type)})"
        )
        covered = [branch for branch in wish.branches if rule.covers(branch)]
        if covered and bot.id not in rule.user_ids:
            what = f"{named} also holds for {listed(covered, 'and')} and keeps the bot out"
            cure = "add the bot to it at Repository settings → Branch restrictions, or remove it"
            yield Check("fail", "other restrictions", what, cure)
        elif not rule.pattern:
            what = f"{named} may also hold for the bot's branches"
            cure = "see that it keeps the bot in and everybody else out"
            yield Check("warn", "other restrictions", what, cure)
