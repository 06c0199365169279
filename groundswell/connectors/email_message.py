"""E-mails as they are written: one of a message, and one of many messages.

Pure functions. Whatever an account or a person is called stays text: a name with line breaks begins
no header, and mark-up in it is shown as it is.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from groundswell.connectors.deliveries import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_LINE = 200
_NAMED = 2
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ADDRESS = re.compile(r"(?:(?P<name>[^<>]*)<)?(?P<user>[^<>\s@,;:]+)@(?P<domain>[^<>\s@,;:]+?)>?")
_DIGEST = re.compile(r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d) (?P<zone>[A-Za-z0-9_+/-]+)")


def parse_address(text: str) -> Address:
    """Read an address, with or without a name: `Acme <pql@acme.example>`.

    Raises:
        ValueError: It is none.
    """
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or _CONTROL.search(text):
        raise ValueError("no address")
    name = (found["name"] or "").strip().strip('"')
    domain = found["domain"].encode("idna").decode("ascii")
    return Address(name, found["user"], domain)


def message_id(key: str, *, domain: str) -> str:
    """Return the Message-ID of a delivery, the same whenever it is sent.

    >>> message_id("h-1:assigned", domain="acme.example")
    '<00264e3adb393b5e41d12bc9@acme.example>'
    """
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:24]}@{domain}>"


def one_line(text: str) -> str:
    r"""Return a text as one line, as a header takes it.

    >>> one_line("Acme\r\nBcc: all@acme.example")
    'Acme Bcc: all@acme.example'
    """
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1].rstrip()}…"


def build_email(
    message: Message,
    *,
    key: str,
    handoff_id: str | None,
    sender: Address,
    to: Sequence[Address],
    at: datetime,
) -> EmailMessage:
    """Return a message as an e-mail, as plain text and as HTML.

    E-mails of one handoff refer to the same one, so that mail programs show them together; no
    program answers them with a notice of absence.

    Args:
        message: What is told.
        key: Of the delivery.
        handoff_id: Of which handoff; None where it belongs to none.
        sender: From whom.
        to: To whom.
        at: When it is sent, aware UTC.
    """
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = sender
    made["To"] = list(to)
    made["Subject"] = one_line(message.subject)
    made["Date"] = format_datetime(at)
    made["Message-ID"] = message_id(key, domain=sender.domain)
    if handoff_id is not None:
        made["References"] = message_id(f"handoff {handoff_id}", domain=sender.domain)
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(message.text, charset="utf-8", cte="quoted-printable")
    if message.html:
        made.add_alternative(message.html, subtype="html", charset="utf-8", cte="quoted-printable")
        # The same at every attempt, and nothing that a quoted-printable text can hold.
        made.set_boundary(f"=_{hashlib.sha256(key.encode()).hexdigest()[:24]}")
    return made


def digest(messages: Sequence[Message]) -> Message:
    """Return one message that says what many say, oldest first; one alone stays as it is.

    Args:
        messages: At least one, all to the same person or all to nobody.

    Raises:
        ValueError: There is none, or they are to several people.
    """
    told = sorted(messages, key=lambda message: message.happened_at)
    if not told or len({message.to for message in told}) > 1:
        raise ValueError("a digest is of at least one message, and to one person")
    if len(told) == 1:
        return told[0]
    names = list(dict.fromkeys(message.company.name for message in told))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return Message(
        company=told[0].company,
        news="digest",
        subject=one_line(f"{len(told)} messages: {', '.join(names[:_NAMED])}{more}"),
        text="\n\n".join(f"{one_line(m.subject)}\n\n{m.text.strip()}" for m in told) + "\n",
        html=_digest_html(told),
        blocks=[],
        to=told[0].to,
        brief={},
        happened_at=told[-1].happened_at,
    )


def _digest_html(messages: Sequence[Message]) -> str:
    parts = (
        f'<h2 style="font-size:16px;margin:24px 0 4px">{escape(one_line(message.subject))}</h2>'
        f'<p style="margin:0;white-space:pre-line">{escape(message.text.strip())}</p>'
        for message in messages
    )
    style = "max-width:640px;font:14px/1.5 sans-serif"
    return f'<!doctype html><html><body><div style="{style}">{"".join(parts)}</div></body></html>'


@dataclass(frozen=True, slots=True)
class DigestTime:
    """When the digest of a day is due.

    Attributes:
        at: The time of day.
        zone: Where.
    """

    at: time
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime:
        """Return when the next digest is due, aware UTC and later than the moment."""
        day = moment.astimezone(self.zone).date()
        for ahead in range(3):  # where clocks are put forward, a day's time may already be past
            due = datetime.combine(day + timedelta(days=ahead), self.at, self.zone)
            if due.astimezone(UTC) > moment:
                return due.astimezone(UTC)
        raise AssertionError("one of three days is later")


def parse_digest(text: str) -> DigestTime:
    """Read when digests are due, such as `09:00 Europe/Berlin`.

    Raises:
        ValueError: It is no time, or no zone.
    """
    found = _DIGEST.fullmatch(text.strip())
    if found is None:
        raise ValueError("no time and zone")
    try:
        zone = ZoneInfo(found["zone"])
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("no zone") from error
    return DigestTime(time(int(found["hour"]), int(found["minute"])), zone)
