"""What the plugs share of HTTP: a session, and how long a forge asks to be left alone."""

from __future__ import annotations

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

LONGEST_WAIT = 3600.0  # seconds


def new_session() -> requests.Session:
    """Only reads are sent again when their answer is lost: of others nobody knows what was done."""
    session = requests.Session()
    session.trust_env = False  # no proxy or netrc of the machine comes between
    again = Retry(
        total=2,
        status=0,
        redirect=0,
        backoff_factor=0.3,
        allowed_methods=frozenset({"GET"}),
        respect_retry_after_header=False,  # that is the caller's to wait for
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    return session


def retry_after(said: str | None, otherwise: float) -> float:
    """Seconds that a Retry-After header asks for; `otherwise` where it is missing or a date."""
    text = (said or "").strip()
    if not text.isascii() or not text.isdigit():  # a date is allowed too, and nobody sends one
        return otherwise
    return min(float(text), LONGEST_WAIT)
