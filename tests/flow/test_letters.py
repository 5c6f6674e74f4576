"""Who decides about agencies is written to, once, whatever happens on the way."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from intakebot.flow.post import post
from intakebot.flow.sweep import Clock
from intakebot.model import OperatorError, TryLater
from intakebot.notify.api import Letter
from intakebot.notify.mail import Mail
from intakebot.settings import MailServer, load
from intakebot.store import assessments, letters, tables
from intakebot.wiring import build_house
from tests import crashes
from tests.certificates import certificate
from tests.flow.conftest import ada
from tests.flow.workshop import A_WHILE, Workshop
from tests.mailbox import Mailbox

GATE, SHOP = "gate@example.com", "shop@example.com"
MONTH = timedelta(days=30, hours=1)
LETTER = Letter("a key", GATE, "A subject", "Some text.\n", datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    box.open()
    try:
        yield box
    finally:
        box.close()


@pytest.fixture
def writing(shop: Workshop, mailbox: Mailbox) -> Workshop:
    """A shop that writes to two gatekeepers, and where Alder's first change was judged."""
    environ = {
        "SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}",
        "MAIL_FROM": "intakebot@example.com",
        "MAIL_TO": f"{GATE}, {SHOP}",
    }
    shop.settings = replace(shop.settings, mail=load(shop.state, environ).mail)
    shop.house = replace(build_house(shop.settings, bell=shop.bell), now=shop.now)
    shop.opens(ada(shop), {"about.html": "<p>About</p>\n"})
    shop.sweep()
    return shop


def test_when_an_agency_is_new_no_longer_each_gatekeeper_gets_one_letter(
    writing: Workshop, mailbox: Mailbox
) -> None:
    assert mailbox.taken == []  # one submission in a moment
    for _ in range(3):
        writing.passes(MONTH)
        writing.sweep()
    (gate,), (shop,) = mailbox.of(GATE), mailbox.of(SHOP)
    assert gate["Subject"] == "Alder is new no longer: time to decide"
    assert gate["From"] == "intakebot@example.com" and gate["Auto-Submitted"] == "auto-generated"
    text = gate.get_content()
    assert text == shop.get_content() and gate["Message-ID"] != shop["Message-ID"]
    assert "Alder: 1 of 1 passed at first check." in text
    assert "Advice: not enough evidence. With 1 submission nobody can tell." in text
    assert "Strengths: everything came from a fork" in text
    assert f"{writing.settings.public_url}/agency?name=Alder" in text


def test_an_agency_that_was_decided_on_needs_no_letter(writing: Workshop, mailbox: Mailbox) -> None:
    with writing.house.database.write() as connection:
        assessments.decide(
            connection,
            "Alder",
            verdict="ready",
            reason="They begin well.",
            advice="not enough evidence",
            inputs="",
            by="Grace",
            at=writing.now(),
        )
    writing.passes(MONTH)
    writing.sweep()
    assert mailbox.taken == []


def test_a_letter_waits_while_nobody_takes_it(writing: Workshop, mailbox: Mailbox) -> None:
    mailbox.close()
    writing.passes(MONTH)
    writing.sweep()
    mailbox.open()
    writing.sweep()
    assert mailbox.taken == []  # not again at once
    writing.passes(A_WHILE)
    writing.sweep()
    assert sorted(letter["To"] for letter in mailbox.taken) == [GATE, SHOP]


def test_a_report_that_cannot_be_made_keeps_no_letter_back(
    writing: Workshop, mailbox: Mailbox
) -> None:
    (writing.state / "report.toml").write_text("nothing = that is TOML\n")
    with writing.house.database.write() as connection:
        letters.write(connection, "key", GATE, "A subject", "Some text", writing.now())
    writing.passes(MONTH)
    writing.sweep()
    assert [letter["To"] for letter in mailbox.taken] == [GATE]
    (writing.state / "report.toml").unlink()
    writing.sweep()
    assert [letter["To"] for letter in mailbox.taken] == [GATE, GATE, SHOP]


def puts_off(mailbox: Mailbox, writing: Workshop, times: int, every: timedelta) -> None:
    """The gatekeeper's address, once there is something to write about."""
    mailbox.refuses[GATE] = "450 try again"
    writing.passes(MONTH)
    for _ in range(times):
        writing.sweep()
        writing.passes(every)


def test_an_address_that_is_put_off_again_and_again_keeps_no_other_letter_back(
    writing: Workshop, mailbox: Mailbox
) -> None:
    puts_off(mailbox, writing, 3, A_WHILE)
    assert [letter["To"] for letter in mailbox.taken] == [SHOP]


def test_a_letter_that_nobody_takes_for_days_is_given_up(
    writing: Workshop, mailbox: Mailbox
) -> None:
    puts_off(mailbox, writing, 40, timedelta(hours=4, minutes=1))
    del mailbox.refuses[GATE]
    writing.sweep()
    assert [letter["To"] for letter in mailbox.taken] == [SHOP]
    (given_up,) = unsent(writing)
    assert given_up == (GATE, f"127.0.0.1:{mailbox.port} does not take it ({GATE}): 450 try again")


def test_an_address_that_is_refused_keeps_no_other_letter_back(
    writing: Workshop, mailbox: Mailbox
) -> None:
    mailbox.refuses[GATE] = "550 nobody of that name"
    writing.passes(MONTH)
    writing.sweep()
    assert [letter["To"] for letter in mailbox.taken] == [SHOP]
    ((refused, why),) = unsent(writing)
    assert refused == GATE and why.endswith("550 nobody of that name")


def unsent(shop: Workshop) -> list[tuple[str, str]]:
    with shop.house.database.read() as connection:
        return [(row.recipient, row.problem) for row in letters.unsent(connection)]


def test_two_workers_at_once_send_each_letter_once(writing: Workshop, mailbox: Mailbox) -> None:
    writing.passes(MONTH)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(post, [writing.house] * 4))
    assert sorted(letter["To"] for letter in mailbox.taken) == [GATE, SHOP]


@pytest.mark.parametrize(("step", "times"), crashes.cases("post"))
def test_a_letter_outlives_whoever_sends_it_and_a_second_copy_says_that_it_is_one(
    writing: Workshop, mailbox: Mailbox, step: str, times: int
) -> None:
    writing.passes(MONTH)
    assert writing.dies(lambda: post(writing.house), step, times)
    writing.passes(A_WHILE)
    writing.sweep()
    copies = 2 if step == "letter.after_send" else 1
    dead, other = (GATE, SHOP) if times == 1 else (SHOP, GATE)
    assert len(mailbox.of(dead)) == copies and len(mailbox.of(other)) == 1
    assert len({letter["Message-ID"] for letter in mailbox.of(dead)}) == 1


def test_a_lost_answer_is_no_lost_letter(writing: Workshop, mailbox: Mailbox) -> None:
    writing.passes(MONTH)
    mailbox.cuts = True
    writing.sweep()
    mailbox.cuts = False
    writing.passes(A_WHILE)
    writing.sweep()
    assert {letter["To"] for letter in mailbox.taken} == {GATE, SHOP}
    assert unsent(writing) == []


def test_what_an_agency_is_called_stays_in_its_line(mailbox: Mailbox) -> None:
    mail = Mail(MailServer("127.0.0.1", mailbox.port, "none"), "intakebot@example.com")
    mail.send(replace(LETTER, subject="Ålder & Söhne 🦊 is new no longer", text=".\nFrom me\n"))
    (letter,) = mailbox.taken
    assert letter["Subject"] == "Ålder & Söhne 🦊 is new no longer"
    assert letter.get_content().splitlines() == [".", "From me"]


def test_a_letter_is_kept_for_a_month_and_not_written_again(
    writing: Workshop, mailbox: Mailbox
) -> None:
    writing.passes(MONTH)
    writing.sweep()
    clock = Clock(writing.house)
    for days in (2, 30):
        writing.passes(timedelta(days=days))
        clock.told_at = writing.now() - timedelta(days=2)  # it has run all the time
        clock.sweep()
        writing.settle()
        assert len(writing.rows(sa.select(tables.letters))) == (2 if days == 2 else 0)
    assert [letter["To"] for letter in mailbox.taken] == [GATE, SHOP]


# --- who can read it on the way -------------------------------------------------------


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for `localhost` that this process trusts."""
    return certificate(tmp_path, monkeypatch, "localhost")


def encrypted(box: Mailbox) -> Mail:
    server = MailServer("localhost", box.port, "starttls", "ada", "s3cret")
    return Mail(server, "intakebot@example.com")


def test_a_password_is_sent_over_an_encrypted_connection(trusted: ssl.SSLContext) -> None:
    box = Mailbox(tls=trusted, knows=("ada", "s3cret"))
    box.open()
    try:
        encrypted(box).try_out()
        assert box.taken == []
        encrypted(box).send(LETTER)
    finally:
        box.close()
    assert len(box.taken) == 1 and box.logins == [True, True] and box.in_clear == []


def test_a_server_that_offers_no_encryption_gets_no_password() -> None:
    box = Mailbox(knows=("ada", "s3cret"))
    box.open()
    try:
        with pytest.raises(TryLater, match="STARTTLS"):
            encrypted(box).send(LETTER)
    finally:
        box.close()
    assert box.taken == [] and box.in_clear == []


def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Mailbox(tls=certificate(tmp_path, monkeypatch, "elsewhere"), knows=("ada", "s3cret"))
    box.open()
    try:
        with pytest.raises(TryLater, match="certificate verify failed"):
            encrypted(box).send(LETTER)
    finally:
        box.close()
    assert box.taken == [] and box.in_clear == []


def test_a_wrong_password_is_told_as_the_server_tells_it(trusted: ssl.SSLContext) -> None:
    box = Mailbox(tls=trusted, knows=("ada", "another"))
    box.open()
    try:
        with pytest.raises(TryLater, match=r"Authentication credentials invalid"):
            encrypted(box).try_out()
    finally:
        box.close()


# --- what an operator writes ----------------------------------------------------------

GOOD = {"SMTP_URL": "smtps://ada:p%40ss@mail.example.com", "MAIL_FROM": "a@b.c", "MAIL_TO": "d@e.f"}


def test_settings_say_how_mail_goes(tmp_path: Path) -> None:
    mail = load(tmp_path, GOOD).mail
    assert mail is not None
    assert mail.server == MailServer("mail.example.com", 465, "tls", "ada", "p@ss")
    assert "p@ss" not in repr(mail)
    plain = load(tmp_path, GOOD | {"SMTP_URL": "smtp://mail.example.com:25"}).mail
    assert plain is not None
    assert plain.server == MailServer("mail.example.com", 25, "starttls")
    assert load(tmp_path, {}).mail is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"SMTP_URL": "mail.example.com:s3cret"}, "SMTP_URL takes smtp://"),
        ({"SMTP_URL": "smtp://ada:s3cret@mail.example.com:many"}, "SMTP_URL takes smtp://"),
        ({"SMTP_URL": "https://mail.example.com/s3cret"}, "SMTP_URL takes smtp://"),
        ({"MAIL_FROM": ""}, "MAIL_FROM is ''; with SMTP_URL it takes an address"),
        ({"MAIL_FROM": "Intake Bot <a@b.c>"}, "MAIL_FROM is"),
        ({"MAIL_TO": ""}, "MAIL_TO is ''; with SMTP_URL it takes addresses"),
        ({"MAIL_TO": "gate"}, "MAIL_TO is 'gate'"),
        ({"MAIL_TO": "a@b.c\r\nRCPT"}, "MAIL_TO is"),
    ],
)
def test_a_setting_that_can_not_be_is_told_without_its_secrets(
    tmp_path: Path, change: dict[str, str], why: str
) -> None:
    with pytest.raises(OperatorError) as told:
        load(tmp_path, GOOD | change)
    assert why in str(told.value) and "s3cret" not in str(told.value)
