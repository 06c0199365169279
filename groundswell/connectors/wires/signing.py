"""Signatures of webhooks: an HMAC with a secret that the sender and we share."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Query(msgspec.Struct):
    """The query of a webhook's URL.

    Attributes:
        source: The entry of `sources:` that it is for.
    """

    source: str


def is_signed(
    message: bytes, given: Iterable[str], secrets: Iterable[str], *, algorithm: str
) -> bool:
    """Tell whether one of the secrets made one of the signatures, in a time that tells nothing.

    Args:
        message: What was signed.
        given: Signatures, hexadecimal.
        secrets: The secrets that may have signed.
        algorithm: Of the hash, such as `sha256`.
    """
    offered = [signature.encode() for signature in given]
    good = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), message, algorithm).hexdigest().encode()
        for signature in offered:
            good |= hmac.compare_digest(expected, signature)
    return good
