"""Each hook's own secret, derived and kept nowhere; and signatures as other tools compute them."""

from __future__ import annotations

import hmac

import pytest

from intakebot import settings
from intakebot.core.dialect import (
    Dialect,
    hook_secret,
    is_nonce,
    read_dialect,
    recorded_nonce,
    secrets_at,
    verify,
)
from intakebot.model import OperatorError

NONCE = "5e1f0c27a9b84d36c0d2e4f6a8b01c3d"
# printf 'hook:%s' NONCE | openssl dgst -sha256 -hmac 'test-secret'
DERIVED = "43e81d600db4f31b10413a3ac9c45154f04f2bc9b94afe7b727836eb23c5dad1"
NO_NONCES = ["", NONCE[:-1], f"{NONCE}0", NONCE.upper(), f"{NONCE}\n", "g" * 32, "٣" * 32, "../git"]


def test_a_hooks_secret_is_the_same_each_time_and_another_for_each_nonce_and_master() -> None:
    assert hook_secret("test-secret", NONCE) == DERIVED
    others = {hook_secret("test-secret", "0" * 32), hook_secret("other", NONCE)}
    assert len(others - {DERIVED}) == 2


def test_with_a_nonce_only_derived_secrets_sign_and_without_one_only_the_masters() -> None:
    assert secrets_at(NONCE, ["newer", "test-secret"]) == [hook_secret("newer", NONCE), DERIVED]
    assert secrets_at(None, ["newer", "test-secret"]) == ["newer", "test-secret"]


@pytest.mark.parametrize("text", NO_NONCES)
def test_no_secret_is_derived_for_what_is_no_nonce(text: str) -> None:
    assert is_nonce(NONCE)
    assert not is_nonce(text)
    with pytest.raises(ValueError, match="not a nonce"):
        hook_secret("test-secret", text)


@pytest.mark.parametrize("master", ["", " \n"])
def test_no_secret_is_derived_from_a_blank_one(master: str) -> None:
    with pytest.raises(OperatorError, match="is empty"):
        hook_secret(master, NONCE)


def test_a_secret_that_is_not_utf_8_derives_as_its_bytes() -> None:
    derived = hmac.digest(b"\xff", f"hook:{NONCE}".encode(), "sha256").hex()
    assert hook_secret("\udcff", NONCE) == derived


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_the_nonce_of_a_recorded_request_is_read_off_its_address(end: bytes) -> None:
    for place, nonce in ((f"/hooks/git/{NONCE}", NONCE), ("/hooks/git", None), ("/", None)):
        assert recorded_nonce(f"POST {place} HTTP/1.1".encode() + end + b"A: b" + end) == nonce
    assert recorded_nonce(b'{"a": "POST /hooks/git/' + NONCE.encode() + b' HTTP/1.1"}') is None


# --- signatures, as computed outside ------------------------------------------------------

# (secret, body, digest): RFC 4231 case 2; the pair that many receivers of this header test with;
# and printf '%s' BODY | openssl dgst -sha256 -hmac SECRET
VECTORS = [
    (
        "Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        "It's a Secret to Everybody",
        b"Hello World!",
        "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
    ),
    (
        "Gkvl$k$wyNpQAF42",
        b'{"push": {"changes": []}}',
        "3727cd0aaa1e8094b19faeaf80c2c85945bb265d6fbb46b0689265e845cdbd47",
    ),
]
each_vector = pytest.mark.parametrize(("secret", "body", "digest"), VECTORS)


def bitbucket() -> Dialect:
    name = "bitbucket-cloud.toml"
    return read_dialect(name, settings.dialect_files()[name])


@each_vector
def test_what_others_sign_is_verified_with_the_secret_that_is_in_force_or_the_one_before(
    secret: str, body: bytes, digest: str
) -> None:
    headers = {"X-Hub-Signature": f"sha256={digest}"}
    for secrets in ([secret], ["newer", secret], [secret, "older"]):
        assert verify(bitbucket(), headers, body, secrets)


@each_vector
def test_nothing_but_the_exact_signature_by_a_known_secret_is_accepted(
    secret: str, body: bytes, digest: str
) -> None:
    sha1 = hmac.digest(secret.encode(), body, "sha1").hex()
    wrong = [digest, f"sha1={digest}", f"sha1={sha1}", f"sha256={sha1}", f"sha256={digest.upper()}"]
    for given in [*wrong, f"SHA256={digest}", f"sha256={digest[:-1]}", "sha256=", ""]:
        assert not verify(bitbucket(), {"X-Hub-Signature": given}, body, [secret])
    assert not verify(bitbucket(), {}, body, [secret])
    assert not verify(bitbucket(), {"X-Hub-Signature-256": f"sha256={digest}"}, body, [secret])
    assert not verify(bitbucket(), {"X-Hub-Signature": f"sha256={digest}"}, body, ["newer"])


def test_a_hooks_signature_holds_at_no_other_address() -> None:
    body = b"{}"
    digest = hmac.digest(DERIVED.encode(), body, "sha256").hex()
    headers = {"X-Hub-Signature": f"sha256={digest}"}
    assert verify(bitbucket(), headers, body, secrets_at(NONCE, ["test-secret"]))
    for nonce in (None, "0" * 32):
        assert not verify(bitbucket(), headers, body, secrets_at(nonce, ["test-secret"]))
