"""Messages as text that may be kept and shown: without write keys, and as exact as they came."""

from __future__ import annotations

import base64
import re
from functools import cache
from typing import TYPE_CHECKING

from groundswell.connectors.wires.wire import BLOT

if TYPE_CHECKING:
    import msgspec

ANOTHER = "another key"
"""Stands where a write key stood that is not the request's own."""

_ENCODED = "base64:"


def without_key(raw: bytes | msgspec.Raw, key: str | None, members: tuple[str, ...] = ()) -> str:
    """Return a message or a body as text in which no write key can be read.

    Args:
        raw: It, as bytes.
        key: The write key it was sent with, blotted out wherever it stands.
        members: Names whose texts are write keys; one that is not `key` is told apart from it.

    >>> without_key(b'{"token": "abc", "name": "abc", "$token": "x"}', "abc", ("token", "$token"))
    '{"token": "********", "name": "********", "$token": "another key"}'
    """
    data = bytes(raw)
    if key:
        data = data.replace(key.encode(), BLOT.encode())
    if members:
        data = _texts_of(members).sub(_told_apart, data)
    return text_of_bytes(data)


@cache
def _texts_of(members: tuple[str, ...]) -> re.Pattern[bytes]:
    names = "|".join(re.escape(name) for name in members).encode()
    return re.compile(rb'("(?:' + names + rb')"\s*:\s*)"((?:[^"\\]|\\.)*)"', re.IGNORECASE)


def _told_apart(found: re.Match[bytes]) -> bytes:
    mark = BLOT if found[2] == BLOT.encode() else ANOTHER
    return found[1] + b'"' + mark.encode() + b'"'


def text_of_bytes(data: bytes) -> str:
    """Return bytes as text; base64 of those that no database keeps as text.

    >>> text_of_bytes(b"{}"), text_of_bytes(bytes([255]))
    ('{}', 'base64:/w==')
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = _ENCODED
    if "\0" in text or text.startswith(_ENCODED):
        return _ENCODED + base64.b64encode(data).decode()
    return text


def bytes_of_text(text: str) -> bytes:
    """Return the bytes that `text_of_bytes` made a text of."""
    if text.startswith(_ENCODED):
        return base64.b64decode(text.removeprefix(_ENCODED))
    return text.encode()
