"""Word to people with the opening line that a language model polished, as it is sent.

What is kept stays as templated. A model that is away or slow holds up one message for its timeout
at most, and none for a minute after.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from groundswell.connectors.deliveries import DeliveryKind
from groundswell.handoff.brief import Brief
from groundswell.handoff.rendering.mail import mail_html
from groundswell.handoff.rendering.slack import slack_blocks
from groundswell.handoff.rendering.text import plain_text
from groundswell.model import as_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from groundswell.store.outbox import KeptDelivery


def reword(item: KeptDelivery, polish: Callable[[Brief], Brief]) -> KeptDelivery:
    """Return a message whose brief has a polished opening line; anything else as it is.

    Args:
        item: What is about to be sent.
        polish: Returns a brief with another opening line, or as it is.
    """
    if item.kind != DeliveryKind.MESSAGE or not item.body.get("brief"):
        return item
    brief = msgspec.convert(item.body["brief"], Brief)
    polished = polish(brief)
    if polished is brief or polished.play is None or polished.play.opening_rewritten is None:
        return item
    told = str(item.body["text"]).removesuffix(plain_text(brief)).rstrip()
    body = item.body | {
        "text": f"{told}\n\n{plain_text(polished)}",
        "html": mail_html(polished, news=told),
        "blocks": slack_blocks(polished, news=told, handoff_id=item.handoff_id),
        "brief": as_plain(polished),
    }
    return replace(item, body=body)
