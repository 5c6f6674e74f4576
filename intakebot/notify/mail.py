"""Mail, by SMTP. The connection is encrypted unless the server is on this machine."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from intakebot.model import OperatorError, TryLater
from intakebot.notify.api import Letter
from intakebot.settings import MailServer

SECONDS = 10  # for each answer of the server
AGAIN = 60.0
POLICY = SMTP.clone(cte_type="7bit")  # every server takes it
FINAL = 500  # from this reply code on a server means it (RFC 5321, 4.2.1)


@dataclass(frozen=True, slots=True)
class Mail:
    """A connection for each letter: there are few."""

    server: MailServer
    sender: str

    @property
    def title(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    def send(self, letter: Letter) -> None:
        message = _written(letter, self.sender)
        with self._connected() as connection:
            try:
                connection.sendmail(self.sender, [letter.to], message.as_bytes())
            except smtplib.SMTPRecipientsRefused as refused:
                code, said = refused.recipients[letter.to]
                raise self._problem(code, said, about=letter.to) from refused
            except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
                raise self._problem(
                    refused.smtp_code, refused.smtp_error, about=self.sender
                ) from refused

    def try_out(self) -> None:
        with self._connected() as connection:
            connection.noop()

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """What goes wrong before a letter is handed over may be mended while it waits."""
        server, trusted = self.server, ssl.create_default_context()
        try:
            with (
                smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=trusted)
                if server.security == "tls"
                else smtplib.SMTP(server.host, server.port, timeout=SECONDS)
            ) as connection:
                if server.security == "starttls":
                    connection.starttls(context=trusted)
                if server.user:
                    connection.login(server.user, server.password)
                yield connection
        except smtplib.SMTPResponseException as error:
            raise TryLater(f"{self.title}: {_said(error.smtp_error)}", after=AGAIN) from error
        except (smtplib.SMTPException, OSError) as error:  # also a certificate nobody vouches for
            raise TryLater(f"{self.title}: {error}", after=AGAIN) from error

    def _problem(self, code: int, said: bytes | str, about: str) -> TryLater | OperatorError:
        why = f"{self.title} does not take it ({about}): {code} {_said(said)}"
        return OperatorError(why) if code >= FINAL else TryLater(why, after=AGAIN)


def _written(letter: Letter, sender: str) -> EmailMessage:
    """The same letter is the same message, so that a second copy can be told from a second one."""
    message = EmailMessage(POLICY)
    name = hashlib.sha256(f"{letter.key} {letter.to}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    message["Date"] = format_datetime(letter.at)
    message["From"], message["To"] = sender, letter.to
    message["Subject"] = letter.subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    message.set_content(letter.text)
    return message


def _said(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text
