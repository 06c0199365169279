"""E-mail: word to the rep or to a list of addresses, over SMTP, each by itself or many as one."""

from __future__ import annotations

import smtplib
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from groundswell.connectors.budget import DestinationError
from groundswell.connectors.deliveries import Delivery, DeliveryKind, Message, Outcome
from groundswell.connectors.destination import DestinationType, Finding, Limits
from groundswell.connectors.email_message import (
    build_email,
    digest,
    message_id,
    one_line,
    parse_address,
    parse_digest,
)
from groundswell.connectors.email_server import EmailSettings, MailServer
from groundswell.connectors.settings import unusable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from groundswell.connectors.destination import Context
    from groundswell.connectors.email_server import Refusals

_OK, _PERMANENT = 250, 500
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class _Letter:
    """One e-mail: of one message, or of several that are to the same person."""

    deliveries: tuple[Delivery, ...]

    @property
    def key(self) -> str:
        """Name it, the same whenever it is of the same deliveries."""
        return "\n".join(sorted(delivery.key for delivery in self.deliveries))

    @property
    def message(self) -> Message:
        """What it says."""
        return digest([_message(delivery) for delivery in self.deliveries])

    @property
    def handoff_id(self) -> str | None:
        """Of which handoff it is; None where it is of none, or of several."""
        named = {delivery.handoff_id for delivery in self.deliveries}
        return named.pop() if len(named) == 1 else None

    def refused(self, reason: str) -> list[Outcome]:
        """Return that it cannot be taken as it is."""
        return [Outcome.refused(delivery, reason, _ADDRESS) for delivery in self.deliveries]


class EmailDestination:
    """A mail server that takes messages."""

    def __init__(self, settings: EmailSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._sender = parse_address(settings.from_)
        self._server = MailServer(settings, name=context.name, sender=self._sender)
        self._digest = parse_digest(settings.digest) if settings.digest is not None else None

    def check(self) -> list[Finding]:
        """Sign in, and ask whether the sender is taken; nothing is sent."""
        self._context.budget.spend()
        try:
            code, said = self._server.ask()
        except DestinationError as error:
            problem = error.problems[0]
            if problem.code != "destination-refused":
                raise
            return [Finding("credentials", ok=False, said=problem.what, fix=problem.fix)]
        signed_in = f"signed in as {self._settings.user}" if self._settings.user else "not asked"
        ok = code == _OK
        fix = "" if ok else "Set `from` to an address that the user may send from."
        answer = "taken" if ok else _told(code, said)
        sender = Finding("sender", ok=ok, said=f"{self._sender.addr_spec}: {answer}", fix=fix)
        return [Finding("credentials", ok=True, said=signed_in), sender]

    def due_at(self, delivery: Delivery) -> datetime | None:
        """Return the digest that a message goes out with; None where it cannot wait for one.

        Nobody is told in a digest of what they have to answer before it.
        """
        if self._digest is None:
            return None
        message, due = _message(delivery), self._digest.next_after(delivery.made_at)
        answer_by = message.answer_by
        late = answer_by is not None and answer_by <= due
        return None if message.urgent or late else due

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Send one e-mail for each message, all over one connection."""
        return self._send_all([_Letter((delivery,)) for delivery in deliveries])

    def send_gathered(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Send one e-mail for all that one person, or the list of addresses, has to be told.

        What was tried together is tried together again: it is then the same e-mail, which a
        mailbox shows once.
        """
        alike: dict[tuple[object, ...], list[Delivery]] = defaultdict(list)
        for delivery in deliveries:
            to = _message(delivery).to
            alike[to, delivery.attempts, self._had(delivery)].append(delivery)
        return self._send_all([_Letter(tuple(those)) for those in alike.values()])

    def close(self) -> None:
        """Let go of the connection."""
        self._server.hang_up()

    def _send_all(self, letters: Sequence[_Letter]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        done = 0
        try:
            for letter in letters:
                outcomes += self._send(letter)
                done += 1
        except DestinationError as error:
            if not any(outcome.status == "sent" for outcome in outcomes):
                raise
            what = error.problems[0].what
            waiting = [delivery for letter in letters[done:] for delivery in letter.deliveries]
            outcomes += [Outcome.later(each, what, after=error.after) for each in waiting]
        finally:
            self._server.hang_up()
        return outcomes

    def _send(self, letter: _Letter) -> list[Outcome]:
        message = letter.message
        try:
            to = [parse_address(each) for each in _recipients(message, self._settings.to)]
        except ValueError:
            return letter.refused(f"`{one_line(str(message.to))}` is no e-mail address.")
        if not to:
            return letter.refused("It is to nobody.")
        had = frozenset[str].intersection(*(self._had(each) for each in letter.deliveries))
        missing = [address.addr_spec for address in to if address.addr_spec not in had]
        if not missing:
            return [Outcome.sent(each, self._sent_as(each)) for each in letter.deliveries]
        self._context.budget.spend()
        email = build_email(
            message,
            key=letter.key,
            handoff_id=letter.handoff_id,
            sender=self._sender,
            to=to,
            at=self._context.clock.now(),
        )
        try:
            refusals = self._server.transmit(email, missing)
        except smtplib.SMTPNotSupportedError:
            return letter.refused("The mail server takes no addresses beyond ASCII.")
        return list(self._judged(letter, had, missing, refusals))

    def _judged(
        self, letter: _Letter, had: frozenset[str], tried: Sequence[str], refusals: Refusals
    ) -> Iterator[Outcome]:
        """Yield what became of an e-mail some of whose recipients may have been refused."""
        taken = had | {each for each in tried if each not in refusals}
        if taken - had:
            self._keep(letter, taken)
        reason = "; ".join(f"{who}: {_told(*why)}" for who, why in sorted(refusals.items()))
        if any(code < _PERMANENT for code, _ in refusals.values()):
            yield from (Outcome.later(each, reason) for each in letter.deliveries)
        elif taken:
            theirs = self._their_id(letter.key)
            for each in letter.deliveries:
                yield replace(Outcome.sent(each, theirs), reason=reason)
        else:
            yield from letter.refused(reason)

    # --- what is remembered -------------------------------------------------------------------

    def _had(self, delivery: Delivery) -> frozenset[str]:
        """Return the addresses that have a message already."""
        return frozenset((self._context.memory.get(f"sent:{delivery.key}") or "").split())

    def _keep(self, letter: _Letter, taken: frozenset[str]) -> None:
        """Remember who has an e-mail, of all that it says at once."""
        kept = {f"sent:{each.key}": " ".join(sorted(taken)) for each in letter.deliveries}
        if len(letter.deliveries) > 1:
            theirs = self._their_id(letter.key)
            kept |= {f"sent-as:{each.key}": theirs for each in letter.deliveries}
        self._context.memory.put_all(kept)

    def _sent_as(self, delivery: Delivery) -> str:
        """Return the id of the e-mail that a message went out with."""
        kept = self._context.memory.get(f"sent-as:{delivery.key}")
        return kept or self._their_id(delivery.key)

    def _their_id(self, key: str) -> str:
        return message_id(key, domain=self._sender.domain)


_ADDRESS = (
    "Mend the address of the rep, those of `to`, or what else the server says; send it again."
)


def _message(delivery: Delivery) -> Message:
    assert isinstance(delivery.body, Message), "mail takes messages alone"
    return delivery.body


def _recipients(message: Message, others: Sequence[str]) -> Sequence[str]:
    return [message.to] if message.to else others


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
