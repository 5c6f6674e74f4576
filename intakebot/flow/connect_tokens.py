"""Whose the tokens are, and whether they will do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from intakebot.core.asks import listed
from intakebot.core.escape import visible
from intakebot.flow.connect_words import Check, Desk, Purpose, Tokens
from intakebot.forges.bitbucket_cloud.admin_tokens import (
    PREFIXES,
    Identity,
    how_to_make,
    identify,
)
from intakebot.model import OperatorError

WARN_BEFORE = timedelta(days=30)
SKEW = timedelta(seconds=60)
PURPOSES: tuple[Purpose, ...] = ("read", "land", "admin")


def look_at_tokens(desk: Desk, needed: Sequence[Purpose]) -> Tokens:
    """Ask the product about each token that is set; `needed` ones that are not set fail."""
    known: dict[Purpose, Identity] = {}
    checks: list[Check] = []
    for purpose in PURPOSES:
        api = desk.apis.get(purpose)
        if api is None:
            if purpose in needed:
                what = f"the {purpose} token is not set"
                checks.append(Check("fail", f"{purpose} token", what, how_to_make(purpose)))
            continue
        try:
            known[purpose] = identify(api, purpose)
        except OperatorError as error:
            checks.append(Check("fail", f"{purpose} token", str(error)))
            continue
        checks.append(judged(purpose, known[purpose]))
    checks += ends(desk.end, desk.now().date())
    checks += same_account(known)
    return Tokens(known, tuple(checks))


def judged(purpose: Purpose, found: Identity) -> Check:
    about = f"{purpose} token"
    who = visible(found.account.display, 80) if found.account else "nobody knows whom"
    what = f"{found.kind} of {who}, from {found.origin}"
    missing = found.missing(purpose)
    if missing:
        cure = f"make a new one that also has {', '.join(missing)}. {how_to_make(purpose)}"
        return Check("fail", about, f"{what}: it lacks {listed(missing, 'and')}", cure)
    if found.account is None:
        cure = "give it the scope read:user:bitbucket"
        return Check("warn", about, f"{what}: it may not ask whose it is", cure)
    told = "its scopes are enough" if found.scopes is not None else "Bitbucket tells no scopes"
    return Check("ok", about, f"{what}; {told}")


def ends(end: Callable[[Purpose], str | None], today: date) -> Iterator[Check]:
    """When each token that is set ends, as somebody wrote it down; `end` as of `Desk`."""
    for purpose in PURPOSES:
        try:
            written = end(purpose)
        except OperatorError as error:
            yield Check("fail", f"{purpose} token's end", str(error))
            continue
        if written is None or (purpose == "admin" and not written):
            continue  # an administrator's is mostly there for as long as a command runs
        yield expiry(purpose, written, today)


def expiry(purpose: Purpose, written: str, today: date) -> Check:
    """The product's API tells nobody when a token ends."""
    about, variable = f"{purpose} token's end", f"{PREFIXES[purpose]}_TOKEN_EXPIRES"
    if not written:
        cure = (
            f"write down the day that its page shows: {variable}=2027-01-31, or a second line "
            "`expires 2027-01-31` in its file"
        )
        return Check("warn", about, "unknown", cure)
    try:
        last = date.fromisoformat(written)
    except ValueError:
        what = f"{written[:40]!r} ({variable}, or the second line of its file) is no day"
        return Check("fail", about, what, "write it like 2027-01-31")
    if last <= today:
        return Check("fail", about, f"it ended on {last}", how_to_make(purpose))
    if last - today <= WARN_BEFORE:
        left = (last - today).days
        return Check("warn", about, f"it ends on {last}, in {left} days", how_to_make(purpose))
    return Check("ok", about, f"it lasts until {last}")


def same_account(known: Mapping[Purpose, Identity]) -> Iterator[Check]:
    read, land, admin = known.get("read"), known.get("land"), known.get("admin")
    about = "the bot's account"
    if read and land and read.account and land.account:
        names = (visible(one.account.display, 80) for one in (read, land) if one.account)
        if read.account.id == land.account.id:
            yield Check("ok", about, f"{next(names)} reads, writes and lands")
        else:
            what = f"{' reads and writes, '.join(names)} lands, and only the latter may push"
            yield Check("warn", about, what, "one account for both is simpler to look after")
    if land and land.account and not land.is_user:
        what = "the landing's account is that of an access token"
        cure = "if Bitbucket refuses it in a restriction, use an API token of the bot's own user"
        yield Check("warn", about, what, cure)
    bots = [one.account for one in (read, land) if one]
    if admin and admin.account and admin.account in bots:
        what = "the administrator's token belongs to the bot itself"
        yield Check("warn", about, what, "take one of a person's; the bot should not need it")


def clock(known: Mapping[Purpose, Identity], now: datetime) -> Check:
    """Against the Date of the last answer; good to a second or two."""
    about = "clock"
    theirs = next((one.at for one in reversed(list(known.values())) if one.at), None)
    if theirs is None:
        return Check("warn", about, "Bitbucket Cloud did not tell its time")
    off = now - theirs
    if abs(off) > SKEW:
        side = "ahead of" if off > timedelta() else "behind"
        what = f"this machine is {abs(off).total_seconds():.0f} s {side} Bitbucket Cloud"
        return Check("fail", about, what, "set the clock: timedatectl set-ntp true")
    return Check("ok", about, f"within {abs(off).total_seconds():.0f} s of Bitbucket Cloud's")
