"""A mail server that keeps what it took and can be told to misbehave. On this machine alone."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from intakebot.world.ports import free_port


@dataclass
class Mailbox:
    """`refuses` maps an address to the reply it gets; with `cuts` the answer to a letter that was
    taken is lost; `knows` are the only user and password."""

    port: int = field(default_factory=free_port)
    tls: ssl.SSLContext | None = None
    knows: tuple[str, str] | None = None
    taken: list[EmailMessage] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    cuts: bool = False
    logins: list[bool] = field(default_factory=list)  # whether each was right
    in_clear: list[bytes] = field(default_factory=list)  # passwords that anybody could have read
    _server: Controller | None = None

    def open(self) -> None:
        self._server = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self.tls,
            require_starttls=self.tls is not None,
            authenticator=self._authenticate if self.knows else None,
            auth_require_tls=False,
        )
        self._server.start()

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def of(self, address: str) -> list[EmailMessage]:
        return [letter for letter in self.taken if letter["To"] == address]

    # --- aiosmtpd's own names ---------------------------------------------------------

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.cuts and server.transport is not None:
            server.transport.close()
        return "250 OK"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword) and self.knows is not None
        if session.ssl is None:
            self.in_clear.append(data.password)
        user, password = self.knows
        right = (data.login, data.password) == (user.encode(), password.encode())
        self.logins.append(right)
        return AuthResult(success=right, handled=False)
