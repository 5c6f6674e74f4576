"""Asks Bitbucket Cloud's REST API: auth, limits, paging, and what each refusal means.

Sends a request that changes something once only: when its answer is lost, nobody here knows
whether it was done, so that is TryLater and the caller reads first.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from intakebot.core.escape import visible
from intakebot.forges.bitbucket_cloud.allowance import Allowance, Ledger
from intakebot.forges.bitbucket_cloud.answers import (
    Answer,
    Json,
    judged,
    one_object,
    parsed,
    reason,
    values_of,
)
from intakebot.forges.bitbucket_cloud.words import Token, Tokens
from intakebot.forges.http import new_session
from intakebot.model import OperatorError, TryLater

__all__ = ["Answer", "Api", "Json", "reason"]

TIMEOUT = (5, 30)  # seconds to connect, to answer
LARGEST = 16 << 20  # bytes of one answer
MOST_PAGES = 60
MOST_REDIRECTS = 3
POLLS, POLL_EVERY = 20, 1.0  # for work that goes on after a 202; seconds


class Api:
    """`url` ends in /2.0; paths begin with a slash. `tokens` is asked anew for each request.

    `calls` is shared with whoever else spends the same allowance.
    """

    def __init__(
        self,
        url: str,
        tokens: Tokens,
        now: Callable[[], datetime],
        wait: Callable[[float], None] = time.sleep,
        calls: Ledger | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.tokens = tokens
        self.wait = wait
        self.allowance = Allowance(now, calls)
        self.session = new_session()

    def get(self, path: str, *, leave: float = 0.0) -> Json:
        """One object. Raises TryLater, or OperatorError for what is not there or not allowed."""
        return one_object(self.ask("GET", path, leave=leave), path)

    def find(self, path: str, *, leave: float = 0.0) -> Json | None:
        """One object, or None where there is none."""
        answer = self.ask("GET", path, accept=(404,), leave=leave)
        return None if answer.status == 404 else one_object(answer, path)

    def pages(self, path: str, *, leave: float = 0.0, may_lack: bool = False) -> list[Json]:
        """All values of a paged list, in the product's order; `path` says the page's length.

        With `may_lack` a list that is not there is an empty one: what it would be of is gone.
        """
        values: list[Json] = []
        seen: set[str] = set()
        place = path
        while len(seen) < MOST_PAGES:
            seen.add(place)
            begins = may_lack and place == path
            page = self.find(place, leave=leave) if begins else self.get(place, leave=leave)
            if page is None:
                return []
            values += values_of(page, path)
            following = page.get("next")
            if not following:
                return values
            place = self._below(str(following))
            if place in seen:
                raise TryLater(f"Bitbucket Cloud's pages of {path} go round in a circle")
        raise OperatorError(f"{path} has more than {MOST_PAGES} pages, which is more than I read")

    def following(self, link: str) -> list[Json]:
        """The values of the page that an answer's `next` leads to, and of those after it."""
        return self.pages(self._below(link))

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        accept: Collection[int] = (),
        token: Token | None = None,
        leave: float = 0.0,
    ) -> Answer:
        """One request. Statuses in `accept` come back like a success; all others raise.

        `token` is somebody else's, shown instead of the bot's. `leave` is the share of the hour's
        calls that has to be left for others; else it is TryLater.
        """
        token, counted = token or self.tokens("read"), token is None
        if leave:
            self.allowance.check(token, leave)
        answer = self._sent(method, path, body, token, counted)
        for _ in range(MOST_REDIRECTS):
            if method != "GET" or answer.status not in (301, 302, 303, 307, 308):
                break
            place = self._below(answer.headers.get("Location", ""))
            answer = self._sent("GET", place, None, token, counted)
        if answer.status == 202 and answer.headers.get("Location"):
            answer = self._awaited(self._below(answer.headers["Location"]), token)
        if answer.status == 401:
            token.forget()
        return judged(answer, f"{method} {path}", accept, token)

    def left(self) -> int:
        """REST calls that are left of the hour, as far as is known here."""
        return self.allowance.left(self.tokens("read"))

    def _awaited(self, place: str, token: Token) -> Answer:
        """The answer of work that was taken on with a 202."""
        for _ in range(POLLS):
            answer = self._sent("GET", place, None, token)
            pending = isinstance(answer.body, Mapping) and answer.body.get("task_status")
            if answer.status != 202 and pending != "PENDING":
                return answer
            self.wait(POLL_EVERY)
        raise TryLater(f"Bitbucket Cloud is still at work on {place}", after=30)

    def _below(self, link: str) -> str:
        """The path below our API that a link names; the token goes nowhere else."""
        whole = urljoin(f"{self.url}/", link)
        ours, theirs = urlsplit(self.url), urlsplit(whole)
        same_host = (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
        if not link or not same_host or not theirs.path.startswith(f"{ours.path}/"):
            raise OperatorError(
                f"Bitbucket Cloud points to {visible(link, 200)!r}, which is not below "
                f"{self.url}; check the API address in the settings"
            )
        return whole[len(self.url) :]

    def _sent(
        self, method: str, path: str, body: object, token: Token, counted: bool = True
    ) -> Answer:
        if counted:
            self.allowance.spend(token)
        try:
            with self.session.request(
                method,
                self.url + path,
                json=body,
                auth=_Shown(token),
                headers={"Accept": "application/json"},
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response:
                text = _read(response, path)
        except (requests.RequestException, HTTPError) as error:
            kind = type(error).__name__
            raise TryLater(f"Bitbucket Cloud does not answer {method} {path} ({kind})") from error
        if counted:
            self.allowance.hear(token, response.headers)
        return Answer(response.status_code, parsed(text), response.headers)


class _Shown(requests.auth.AuthBase):
    """A token as each kind has to be shown."""

    def __init__(self, token: Token) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.token.kind == "api":
            pair = f"{self.token.email}:{self.token.secret}".encode()
            shown = f"Basic {base64.b64encode(pair).decode()}"
        else:
            shown = f"Bearer {self.token.secret}"
        request.headers["Authorization"] = shown
        return request


def _read(response: requests.Response, path: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(1 << 16):
        size += len(chunk)
        if size > LARGEST:
            raise TryLater(f"Bitbucket Cloud said over {LARGEST >> 20} MB to {path}", after=600)
        chunks.append(chunk)
    return b"".join(chunks)
