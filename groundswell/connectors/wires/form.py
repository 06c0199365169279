"""Groundswell's own: a short form by which somebody in the product asks for a person.

The body is JSON or a form: `email`, and what else is known. The write key stands in a page that
anyone can read, so it may do nothing else. What looks like a machine is answered like everybody
and quarantined: a field that people do not see (`website`) is filled in, or the form was sent
quicker than one can write (`elapsed_ms`).
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any

import msgspec

from groundswell.connectors.wires.reading import (
    basic_user,
    decode,
    form_of,
    json_of,
    reader,
    text_of,
    to_iso,
)
from groundswell.connectors.wires.wire import (
    Answer,
    Context,
    Envelope,
    Records,
    Refusal,
    Request,
    Route,
    Takes,
    UnreadableError,
    Wire,
    to_json,
)
from groundswell.model import Kind

QUICKEST_MS = 1_500
"""Nobody fills the form in less."""

LONGEST = 4_000  # characters of a field
# Said of the control characters and the byte order mark too, on which kinds of `\s` do not agree.
_NOT_IN = r"@\s\x00-\x1f\x7f-\x9f\ufeff"
_ADDRESS = rf"[ \t\r\n]*[^{_NOT_IN}]+@[^{_NOT_IN}.]+(\.[^{_NOT_IN}.]+)+[ \t\r\n]*"
_EMAIL = re.compile(_ADDRESS)

_Text = Annotated[str, msgspec.Meta(max_length=LONGEST)]


class _Query(msgspec.Struct):
    key: str | None = None


class _Form(msgspec.Struct):
    email: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": f"^{_ADDRESS}$"})]
    key: str | None = None
    id: Any = None
    user_id: Any = None
    anonymous_id: Any = None
    account_id: Any = None
    name: _Text | None = None
    company: _Text | None = None
    topic: _Text | None = None
    message: _Text | None = None
    website: str | None = None
    elapsed_ms: Any = None


_FORM = msgspec.json.Decoder(_Form)


def _open(request: Request) -> Envelope:
    body = request.body
    if not body.lstrip().startswith(b"{"):
        body = to_json(form_of(body))
    form = decode(_FORM, body, what="form")
    if not _EMAIL.fullmatch(form.email):
        raise UnreadableError("`email` is no e-mail address.")
    key = basic_user(request) or form.key or request.query.get("key")
    return Envelope(key=key, messages=[body])


def _add(form: _Form, _envelope: Envelope, context: Context, records: Records) -> None:
    if _looks_sent_by_a_machine(form):
        raise UnreadableError("The form was filled in by a machine.")
    email, at = form.email.strip(), to_iso(context.received_at)
    user = text_of(form.user_id) or email
    said = {"topic": form.topic, "message": form.message, "company": form.company}
    records.add(
        Kind.EVENTS,
        {
            "message_id": text_of(form.id) or _fingerprint(form, context),
            "user_id": user,
            "anonymous_id": text_of(form.anonymous_id),
            "account_id": text_of(form.account_id),
            "event": context.hand_raise,
            "occurred_at": at,
            "properties": json_of({name: value for name, value in said.items() if value}),
        },
    )
    named = {"user_id": user, "email": email, "name": text_of(form.name), "valid_from": at}
    records.add(Kind.USERS, named)


def _looks_sent_by_a_machine(form: _Form) -> bool:
    try:
        quick = form.elapsed_ms is not None and float(form.elapsed_ms) < QUICKEST_MS
    except (TypeError, ValueError):
        quick = True
    return quick or bool(form.website)


def _fingerprint(form: _Form, context: Context) -> str:
    """Return an id: sent again on the same day, the same words are the same request."""
    said = [form.email.strip().lower(), form.topic, form.message, context.received_at.date()]
    return hashlib.sha256(to_json(said)).hexdigest()[:32]


def _accept(_request: Request, _envelope: Envelope) -> Answer:
    return Answer(200, b'{"ok":true}')


def _refuse(_request: Request, refusal: Refusal) -> Answer:
    return Answer(refusal.status, to_json({"ok": False, "error": refusal.what}))


_TAKES = Takes(json=(_Form,), form=_Form, query=_Query, schemes=("basic",), key_in="key")
_ROUTE = Route("POST", "/v1/hand-raise", _open, reader(_FORM, _add), _accept, _refuse, _TAKES)
WIRES = (Wire("form", "Groundswell's talk-to-sales form", (_ROUTE,)),)
