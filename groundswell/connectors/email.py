"""E-mail: word to the rep or to a list of addresses, over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import replace
from email import policy
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.deliveries import DeliveryKind, Message, Outcome
from groundswell.connectors.destination import DestinationType, Finding, Limits
from groundswell.connectors.email_message import (
    build_email,
    message_id,
    one_line,
    parse_address,
    parse_digest,
)
from groundswell.connectors.http import unreachable
from groundswell.connectors.settings import Settings, unusable
from groundswell.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from email.headerregistry import Address
    from email.message import EmailMessage

    from groundswell.connectors.deliveries import Delivery
    from groundswell.connectors.destination import Context

    Refusals = Mapping[str, tuple[int, bytes]]

_TIMEOUT = 20.0
_OK, _PERMANENT = 250, 500
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


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


class EmailDestination:
    """A mail server that takes messages."""

    def __init__(self, settings: EmailSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._sender = parse_address(settings.from_)
        self._open: smtplib.SMTP | None = None

    def check(self) -> list[Finding]:
        """Sign in, and ask whether the sender is taken; nothing is sent."""
        self._context.budget.spend()
        try:
            code, said = self._connected().mail(self._sender.addr_spec)
        except DestinationError as error:
            problem = error.problems[0]
            if problem.code != "destination-refused":
                raise
            return [Finding("credentials", ok=False, said=problem.what, fix=problem.fix)]
        except (OSError, smtplib.SMTPException) as error:
            raise unreachable(self._context.name, error) from None
        finally:
            self._hang_up()
        signed_in = f"signed in as {self._settings.user}" if self._settings.user else "not asked"
        ok = code == _OK
        fix = "" if ok else "Set `from` to an address that the user may send from."
        answer = "taken" if ok else _told(code, said)
        sender = Finding("sender", ok=ok, said=f"{self._sender.addr_spec}: {answer}", fix=fix)
        return [Finding("credentials", ok=True, said=signed_in), sender]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Send one e-mail for each message, all over one connection."""
        outcomes: list[Outcome] = []
        try:
            for delivery in deliveries:
                outcomes.append(self._send(delivery))  # noqa: PERF401 - what was sent is kept
        except DestinationError as error:
            if not any(outcome.status == "sent" for outcome in outcomes):
                raise
            what = error.problems[0].what
            waiting = deliveries[len(outcomes) :]
            outcomes += [Outcome.later(each, what, after=error.after) for each in waiting]
        finally:
            self._hang_up()
        return outcomes

    def close(self) -> None:
        """Let go of the connection."""
        self._hang_up()

    def _send(self, delivery: Delivery) -> Outcome:
        body = delivery.body
        assert isinstance(body, Message), "mail takes messages alone"
        written = [body.to] if body.to else self._settings.to
        try:
            to = [parse_address(address) for address in written]
        except ValueError:
            return _refused(delivery, f"`{one_line(str(body.to))}` is no e-mail address.")
        if not to:
            return _refused(delivery, "It is to nobody.")
        kept = self._context.memory.get(f"sent:{delivery.key}") or ""
        had = frozenset(kept.split())
        missing = [address for address in to if address.addr_spec not in had]
        if not missing:
            return Outcome.sent(delivery, self._their_id(delivery))
        self._context.budget.spend()
        try:
            refusals = self._transmit(delivery, body, to, missing)
        except smtplib.SMTPDataError as error:
            return self._judge(delivery, had, missing, _of_all(missing, error))
        except smtplib.SMTPNotSupportedError:
            return _refused(delivery, "The mail server takes no addresses beyond ASCII.")
        return self._judge(delivery, had, missing, refusals)

    def _transmit(
        self, delivery: Delivery, body: Message, to: list[Address], missing: list[Address]
    ) -> Refusals:
        """Send one e-mail; return who was refused, and why."""
        email = build_email(
            body,
            key=delivery.key,
            handoff_id=delivery.handoff_id,
            sender=self._sender,
            to=to,
            at=self._context.clock.now(),
        )
        connection = self._connected()
        recipients = [address.addr_spec for address in missing]
        try:
            return self._write(connection, email, recipients)
        except smtplib.SMTPRecipientsRefused as error:
            return error.recipients
        except (smtplib.SMTPDataError, smtplib.SMTPNotSupportedError):
            raise
        except smtplib.SMTPSenderRefused as error:
            raise self._turned_away(error, "does not take the sender") from None
        except (OSError, smtplib.SMTPException) as error:
            raise unreachable(self._context.name, error) from None

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

    def _judge(
        self, delivery: Delivery, had: frozenset[str], tried: list[Address], refusals: Refusals
    ) -> Outcome:
        """Return what became of an e-mail some of whose recipients may have been refused."""
        taken = had | {each.addr_spec for each in tried if each.addr_spec not in refusals}
        if taken - had:
            self._context.memory.put(f"sent:{delivery.key}", " ".join(sorted(taken)))
        reason = "; ".join(f"{who}: {_told(*why)}" for who, why in sorted(refusals.items()))
        if any(code < _PERMANENT for code, _ in refusals.values()):
            return Outcome.later(delivery, reason)
        if taken:
            return replace(Outcome.sent(delivery, self._their_id(delivery)), reason=reason)
        return _refused(delivery, reason)

    def _their_id(self, delivery: Delivery) -> str:
        return message_id(delivery.key, domain=self._sender.domain)

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
                raise unreachable(self._context.name, error) from None
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

    def _hang_up(self) -> None:
        """Say goodbye, to whoever is still there."""
        connection, self._open = self._open, None
        if connection is None:
            return
        try:
            connection.quit()
        except (OSError, smtplib.SMTPException):
            connection.close()

    def _turned_away(self, error: smtplib.SMTPResponseException, what: str) -> DestinationError:
        if error.smtp_code >= _PERMANENT:
            return self._refusal(f"{what} ({error.smtp_code})", _CREDENTIALS)
        return DestinationError(
            Problem(
                code="destination-busy",
                what=f"The mail server of `{self._context.name}` is busy ({error.smtp_code}).",
                fix="Nothing is lost: it is tried again by and by.",
            )
        )

    def _refusal(self, what: str, fix: str) -> DestinationError:
        return DestinationError(
            Problem(
                code="destination-refused",
                what=f"The mail server of `{self._context.name}` {what}.",
                fix=f"Nothing is lost. {fix}",
            )
        )


_TLS = "Set `tls` to what the server offers on `port`: `starttls` on 587, `tls` on 465 as a rule."
_TRUST = (
    "Set `host` to the name in its certificate; for an authority of your own, name its certificate "
    "in the environment variable `SSL_CERT_FILE`."
)
_CREDENTIALS = "Renew `user` and `password`, and set `from` to an address they may send from."


def _refused(delivery: Delivery, reason: str) -> Outcome:
    fix = "Mend the address of the rep, those of `to`, or what else the server says; send it again."
    return Outcome.refused(delivery, reason, fix)


def _of_all(missing: list[Address], error: smtplib.SMTPDataError) -> Refusals:
    """Return the refusal of a text as one of each recipient."""
    said = error.smtp_error
    why = (error.smtp_code, said if isinstance(said, bytes) else said.encode())
    return {address.addr_spec: why for address in missing}


def _told(code: int, said: bytes) -> str:
    return f"{code} {one_line(said.decode(errors='replace'))}"


def _open(settings: EmailSettings, context: Context) -> EmailDestination:
    for key, addresses in (("from", [settings.from_]), ("to", settings.to)):
        for address in addresses:
            try:
                parse_address(address)
            except ValueError:
                raise unusable(
                    context.name,
                    key,
                    f"`{address}` is no e-mail address.",
                    "Write it as pql@acme.example, or with a name: Acme <pql@acme.example>.",
                ) from None
    if settings.digest is not None:
        try:
            parse_digest(settings.digest)
        except ValueError:
            raise unusable(
                context.name,
                "digest",
                f"`{settings.digest}` is no time of day with a time zone.",
                "Write it as 09:00 Europe/Berlin.",
            ) from None
    if settings.tls == "none" and settings.user is not None and settings.host not in _LOCAL:
        raise unusable(
            context.name,
            "tls",
            "The password would cross the network in the clear.",
            "Set `tls: starttls` or `tls: tls`.",
        )
    return EmailDestination(settings, context)


DESTINATION = DestinationType(
    name="email",
    title="E-mail",
    doc="Tells the rep or a list of addresses by mail.",
    settings=EmailSettings,
    open=_open,
    kinds=frozenset({DeliveryKind.MESSAGE}),
    usual=frozenset({"message"}),
    limits=Limits(requests=10, seconds=1.0),
    batch=20,
)
