"""QA hooks: called with a signed request for a change, answered by a signed one, once."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from intakebot.core import config
from intakebot.settings import QaHook
from intakebot.web.app import create_app
from intakebot.wiring import dialects
from intakebot.world.people import Somebody
from tests.flow.conftest import ada, grace
from tests.flow.kept import broken
from tests.flow.waiting import a_while, branches
from tests.flow.workshop import Workshop
from tests.forges.serving import Asked, Say, serving

SECRET = "0123456789abcdef0123456789abcdef"
QA = '[checks.preview]\nhttp = "preview"\ntimeout = "10m"\n'


def signed(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"


@dataclass
class Qa:
    """A deployment that takes calls, and answers when it is told to."""

    status: int = 202
    calls: list[Asked] = field(default_factory=list)

    def take(self, asked: Asked) -> Say:
        self.calls.append(asked)
        return Say(self.status, {}, cut=self.status == 0)

    @property
    def told(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(self.calls[-1].body)
        return found


@pytest.fixture
def qa(shop: Workshop) -> Iterator[Qa]:
    shop.by_hand("main", {config.NAME: QA})
    qa = Qa()
    with serving(qa.take) as url:
        hook = QaHook(f"{url}/deploy?key=hidden", SECRET)
        shop.house = replace(shop.house, qa_hooks={"preview": hook})
        yield qa


@pytest.fixture
def author(shop: Workshop) -> Somebody:
    return ada(shop)


def let_in(shop: Workshop, author: Somebody) -> tuple[Somebody, int]:
    number = shop.opens(author, {"news.html": "<p>News</p>\n"})
    shop.settle()
    assert shop.standing(number) == "needs ok-to-test", shop.why(number)
    maintainer = grace(shop)
    shop.says(maintainer, number, "/ok-to-test")
    return maintainer, number


def answers(shop: Workshop, said: Mapping[str, Any], *, secret: str = SECRET) -> TestResponse:
    """As the deployment sends it, at the address that it was told."""
    app = create_app(shop.settings, shop.house, dialects())
    body = json.dumps(said).encode()
    headers = {"Content-Type": "application/json", "X-Intakebot-Signature": signed(body, secret)}
    answer = app.test_client().post("/answers/preview", data=body, headers=headers)
    app.extensions["intakebot"].readiness.close()
    return answer


def verdict(qa: Qa, state: str) -> dict[str, Any]:
    text = {"text": f"14 pages: {state}", "url": "https://qa.example.org/3"}
    return {"run": qa.told["run"], "commit": qa.told["commit"], "state": state, **text}


def test_a_change_is_deployed_once_somebody_has_looked_and_lands_with_the_answer(
    shop: Workshop, qa: Qa, author: Somebody
) -> None:
    maintainer, number = let_in(shop, author)
    [call] = qa.calls
    assert call.headers["X-Intakebot-Signature"] == signed(call.body)
    assert qa.told["pull"] == number and qa.told["head"] == shop.pull(number).head
    assert qa.told["answer_url"] == f"{shop.settings.public_url}/answers/preview"
    assert shop.served("rev-parse", f"refs/heads/{qa.told['branch']}") == qa.told["commit"]
    assert answers(shop, verdict(qa, "pending")).status_code == 202
    a_while(shop)
    assert shop.standing(number) == "checking"
    assert answers(shop, verdict(qa, "success")).status_code == 202
    shop.settle()
    assert shop.standing(number) == "needs review", shop.why(number)
    assert "intake/try" not in " ".join(branches(shop))
    assert len(qa.calls) == 1
    shop.land(maintainer, number)
    assert broken(shop.house) == []


def test_an_answer_that_fails_is_the_authors_to_mend_and_a_later_one_changes_nothing(
    shop: Workshop, qa: Qa, author: Somebody
) -> None:
    _, number = let_in(shop, author)
    assert answers(shop, verdict(qa, "failure")).status_code == 202
    assert answers(shop, verdict(qa, "success")).status_code == 202
    shop.settle()
    assert shop.standing(number) == "needs changes", shop.why(number)
    assert "14 pages: failure" in " ".join(shop.bot_says(number).values())
    assert answers(shop, verdict(qa, "success")).status_code == 404


def test_nobody_answers_in_its_name(shop: Workshop, qa: Qa, author: Somebody) -> None:
    maintainer, number = let_in(shop, author)
    said = verdict(qa, "success")
    assert answers(shop, said, secret="another secret, and a long one").status_code == 401
    assert answers(shop, {**said, "commit": "0" * 40}).status_code == 404
    assert answers(shop, {**said, "run": 999}).status_code == 404
    assert answers(shop, {**said, "state": "fine"}).status_code == 400
    assert answers(shop, {**said, "more": 1}).status_code == 400
    shop.says(maintainer, number, "/recheck")
    a_while(shop)
    assert shop.standing(number) == "checking"


def test_an_answer_sent_again_does_not_answer_the_next_try(
    shop: Workshop, qa: Qa, author: Somebody
) -> None:
    maintainer, number = let_in(shop, author)
    old = verdict(qa, "success")
    assert answers(shop, verdict(qa, "failure")).status_code == 202
    shop.settle()
    shop.says(maintainer, number, "/recheck")
    assert len(qa.calls) == 2
    assert answers(shop, old).status_code == 404
    assert answers(shop, {**old, "run": qa.told["run"]}).status_code == 404
    assert shop.standing(number) == "checking"


@pytest.mark.parametrize(("status", "why"), [(500, "answered 500"), (0, "does not answer")])
def test_a_hook_that_is_down_is_ours_to_see_to_and_its_address_is_nobodys_business(
    shop: Workshop, qa: Qa, author: Somebody, status: int, why: str
) -> None:
    qa.status = status
    maintainer, number = let_in(shop, author)
    assert shop.standing(number) == "blocked by us"
    said = " ".join(shop.bot_says(number).values())
    assert why in said and "hidden" not in said
    a_while(shop)
    assert "intake/try" not in " ".join(branches(shop))
    qa.status = 202
    shop.says(maintainer, number, "/recheck")
    assert shop.standing(number) == "checking"


def test_a_hook_that_nobody_has_set_up_says_what_to_set(
    shop: Workshop, qa: Qa, author: Somebody
) -> None:
    shop.house = replace(shop.house, qa_hooks={})
    _, number = let_in(shop, author)
    assert shop.standing(number) == "blocked by us"
    said = " ".join(shop.bot_says(number).values()).replace("\\", "")
    assert "set QA_PREVIEW_URL and QA_PREVIEW_SECRET" in said


def test_one_that_never_answers_is_given_up_in_time(
    shop: Workshop, qa: Qa, author: Somebody
) -> None:
    _, number = let_in(shop, author)
    a_while(shop, timedelta(minutes=11))
    assert shop.standing(number) == "blocked by us"
    assert "preview has said nothing within 600 s" in " ".join(shop.bot_says(number).values())
