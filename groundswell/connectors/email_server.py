"""The mail server that e-mails are handed to: signed in to once for as many as there are."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from email import policy
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.http import unreachable
from groundswell.connectors.settings import Settings
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.headerregistry import Address
    from email.message import EmailMessage

_TIMEOUT = 20.0
_PERMANENT = 500

Refusals = Mapping[str, tuple[int, bytes]]
"""Who was refused, with the code and the words of the server."""


class EmailSettings(Settings, frozen=True):
    """How mail is sent.

    Attributes:
        host: Of the mail server.
        from_: Sender, written `from`: an address, or a name with one: Acme PQL <pql@acme.com>.
        port: Of the server: 587 for `starttls`, 465 for `tls` as a rule.
        user: To sign in with; None where the server asks nobody.
        password: Of the user.
        tls: `starttls` begins in the clear and goes on encrypted, `tls` is encrypted from the
            first byte, `none` is for a server on the same machine.
        to: Addresses for messages that are to no rep.
        digest: When messages that are not urgent are sent as one, such as 09:00 Europe/Berlin;
            None sends each by itself.
    """

    secrets: ClassVar[frozenset[str]] = frozenset({"password"})

    host: str
    from_: str = msgspec.field(name="from")
    port: int = 587
    user: str | None = None
    password: str | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    to: list[str] = msgspec.field(default_factory=list[str])
    digest: str | None = None


class MailServer:
    """A mail server, as one sender uses it."""

    def __init__(self, settings: EmailSettings, *, name: str, sender: Address) -> None:
        """Keep whom to speak to; nothing is opened yet.

        Args:
            settings: Of the destination.
            name: Of the destination.
            sender: From whom e-mails are.
        """
        self._settings, self._name, self._sender = settings, name, sender
        self._open: smtplib.SMTP | None = None

    def ask(self) -> tuple[int, bytes]:
        """Sign in and ask whether the sender is taken; nothing is sent.

        Raises:
            DestinationError: There is no answer, or it does not let us in.
        """
        try:
            return self._connected().mail(self._sender.addr_spec)
        except (OSError, smtplib.SMTPException) as error:
            raise unreachable(self._name, error) from None
        finally:
            self.hang_up()

    def transmit(self, email: EmailMessage, recipients: Sequence[str]) -> Refusals:
        """Send one e-mail to some addresses; return who was refused, and why.

        Raises:
            DestinationError: It was not sent, and may be tried again.
            SMTPNotSupportedError: The server takes no addresses beyond ASCII.
        """
        connection = self._connected()
        try:
            return self._write(connection, email, list(recipients))
        except smtplib.SMTPRecipientsRefused as error:
            return error.recipients
        except smtplib.SMTPDataError as error:
            return _of_all(recipients, error)
        except smtplib.SMTPNotSupportedError:
            raise
        except smtplib.SMTPSenderRefused as error:
            raise self._turned_away(error, "does not take the sender") from None
        except (OSError, smtplib.SMTPException) as error:
            raise unreachable(self._name, error) from None

    def hang_up(self) -> None:
        """Say goodbye, to whoever is still there."""
        connection, self._open = self._open, None
        if connection is None:
            return
        try:
            connection.quit()
        except (OSError, smtplib.SMTPException):
            connection.close()

    def _write(
        self, connection: smtplib.SMTP, email: EmailMessage, recipients: list[str]
    ) -> Refusals:
        # `smtplib.send_message` would put a `>` before a line that begins with From.
        sender = self._sender.addr_spec
        if "".join([sender, *recipients]).isascii():
            return connection.sendmail(sender, recipients, email.as_bytes())
        if not connection.has_extn("smtputf8"):
            raise smtplib.SMTPNotSupportedError
        text = email.as_bytes(policy=policy.SMTPUTF8)
        return connection.sendmail(sender, recipients, text, ["SMTPUTF8", "BODY=8BITMIME"])

    def _connected(self) -> smtplib.SMTP:
        """Return the connection, made and signed in to where there is none.

        Raises:
            DestinationError: There is no answer, or it does not let us in.
        """
        if self._open is None or self._open.sock is None:
            try:
                self._open = self._connect()
                self._sign_in(self._open)
            except smtplib.SMTPNotSupportedError:
                raise self._refusal("offers no TLS or no sign-in", _TLS) from None
            except smtplib.SMTPResponseException as error:
                raise self._turned_away(error, "does not let us in") from None
            except ssl.SSLCertVerificationError:
                raise self._refusal("shows a certificate that is not trusted", _TRUST) from None
            except (OSError, smtplib.SMTPException) as error:
                raise unreachable(self._name, error) from None
        return self._open

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        # Servers look at the name a client greets with: the sender's domain is one of ours, and
        # the machine's own name may take long to find out.
        name = self._sender.domain
        if settings.tls == "tls":
            trusted = ssl.create_default_context()
            return smtplib.SMTP_SSL(
                settings.host, settings.port, name, timeout=_TIMEOUT, context=trusted
            )
        return smtplib.SMTP(settings.host, settings.port, name, timeout=_TIMEOUT)

    def _sign_in(self, connection: smtplib.SMTP) -> None:
        if self._settings.tls == "starttls":
            connection.starttls(context=ssl.create_default_context())
        if self._settings.user is not None:
            connection.login(self._settings.user, self._settings.password or "")
        connection.ehlo_or_helo_if_needed()

    def _turned_away(self, error: smtplib.SMTPResponseException, what: str) -> DestinationError:
        if error.smtp_code >= _PERMANENT:
            return self._refusal(f"{what} ({error.smtp_code})", _CREDENTIALS)
        return DestinationError(
            Problem(
                code="destination-busy",
                what=f"The mail server of `{self._name}` is busy ({error.smtp_code}).",
                fix="Nothing is lost: it is tried again by and by.",
            )
        )

    def _refusal(self, what: str, fix: str) -> DestinationError:
        return DestinationError(
            Problem(
                code="destination-refused",
                what=f"The mail server of `{self._name}` {what}.",
                fix=f"Nothing is lost. {fix}",
            )
        )


_TLS = "Set `tls` to what the server offers on `port`: `starttls` on 587, `tls` on 465 as a rule."
_TRUST = (
    "Set `host` to the name in its certificate; for an authority of your own, name its certificate "
    "in the environment variable `SSL_CERT_FILE`."
)
_CREDENTIALS = "Renew `user` and `password`, and set `from` to an address they may send from."


def _of_all(recipients: Sequence[str], error: smtplib.SMTPDataError) -> Refusals:
    """Return the refusal of a text as one of each recipient."""
    said = error.smtp_error
    why = (error.smtp_code, said if isinstance(said, bytes) else said.encode())
    return dict.fromkeys(recipients, why)
