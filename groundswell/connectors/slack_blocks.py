"""Messages as Slack takes them: nothing longer than it allows, cut where a reader expects it.

Pure functions. Slack refuses a whole message for one text that is too long, so what is too long is
cut at a word, and what are too many are said to be more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from groundswell.connectors.deliveries import Message

    JsonBlock = dict[str, Any]

BLOCKS, FIELDS, HEADER, SECTION, FIELD = 50, 10, 150, 3_000, 2_000
"""What Slack allows: blocks of a message, fields of a section, characters of a header, of a
section's text and of a field."""
CONTEXT_ELEMENTS, ACTION_ELEMENTS, BUTTON, PLACEHOLDER, OPTION, OPTIONS = 10, 25, 75, 150, 75, 100
ELLIPSIS = "…"

_HALF_ENTITY = re.compile(r"&[a-z]{0,4}$")


def escape(text: str) -> str:
    """Return a text that Slack shows as it is: no mention, no link, no mark-up of its own.

    >>> escape("<!channel> R&D")
    '&lt;!channel&gt; R&amp;D'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, limit: int) -> str:
    """Return a text of at most so many characters, cut at a word and ended by an ellipsis.

    A link or an escaped letter is left out whole rather than cut in two.

    >>> cut("Acme hit the limit of seats", 20)
    'Acme hit the limit…'
    """
    if len(text) <= limit:
        return text
    room = text[:limit]
    space = max(room.rfind(" "), room.rfind("\n"))
    room = room[:space] if space > limit // 2 else room[:-1]
    if room.rfind("<") > room.rfind(">"):
        room = room[: room.rfind("<")]
    return _HALF_ENTITY.sub("", room).rstrip() + ELLIPSIS


def fit_blocks(blocks: Sequence[JsonBlock]) -> list[JsonBlock]:
    """Return the blocks of a message within what Slack allows; the given ones are left alone.

    Fields beyond ten go on in another section. Of more than fifty blocks the first stay, with the
    buttons at the end, for a message nobody can answer is worth less than one that is cut.
    """
    return _within([fitted for block in blocks for fitted in _fit_block(block)])


def fault(blocks: Sequence[JsonBlock]) -> str | None:
    """Return what is wrong with blocks by Slack's own models; None where nothing is."""
    try:
        for block in blocks:
            parsed = Block.parse(dict(block))
            if parsed is None:
                return f"there are no blocks of type `{block.get('type')}`"
            parsed.validate_json()
    except (SlackObjectFormationError, TypeError, KeyError, AttributeError) as error:
        # The models raise the last three where an attribute is missing or of another shape.
        return f"{error}"
    return None


def fallback(body: Message) -> str:
    """Return the text of a message for where its blocks are not shown, as in a notification."""
    subject = " ".join(body.subject.split())
    said = subject if body.blocks else f"{subject}\n{body.text}"
    return cut(escape(said), SECTION)


def _within(blocks: list[JsonBlock]) -> list[JsonBlock]:
    if len(blocks) <= BLOCKS:
        return blocks
    buttons = [block for block in blocks if block.get("type") == "actions"][-(BLOCKS - 2) :]
    others = [block for block in blocks if block.get("type") != "actions"]
    kept = others[: BLOCKS - 1 - len(buttons)]
    more = f"{ELLIPSIS} and {len(blocks) - len(kept) - len(buttons)} more"
    note = {"type": "context", "elements": [{"type": "plain_text", "text": more}]}
    return [*kept, note, *buttons]


def _fit_block(block: JsonBlock) -> Iterator[JsonBlock]:
    fit = _FITS.get(str(block.get("type")))
    if fit is None:
        yield block
    else:
        yield from fit(block)


def _fit_header(block: JsonBlock) -> Iterator[JsonBlock]:
    yield {**block, "text": _fit_text(block.get("text"), HEADER)}


def _fit_section(block: JsonBlock) -> Iterator[JsonBlock]:
    fields = [_fit_text(item, FIELD) for item in _list_of(block.get("fields"))]
    first = {name: value for name, value in block.items() if name != "fields"}
    if "text" in first:
        first["text"] = _fit_text(first["text"], SECTION)
    if "accessory" in first:
        first["accessory"] = _fit_element(first["accessory"])
    yield {**first, "fields": fields[:FIELDS]} if fields else first
    for start in range(FIELDS, len(fields), FIELDS):
        yield {"type": "section", "fields": fields[start : start + FIELDS]}


def _fit_context(block: JsonBlock) -> Iterator[JsonBlock]:
    elements = [_fit_text(item, SECTION) for item in _list_of(block.get("elements"))]
    yield {**block, "elements": elements[:CONTEXT_ELEMENTS]}


def _fit_actions(block: JsonBlock) -> Iterator[JsonBlock]:
    elements = [_fit_element(item) for item in _list_of(block.get("elements"))]
    yield {**block, "elements": elements[:ACTION_ELEMENTS]}


def _fit_element(element: Any) -> Any:
    """Return a button or a menu with its words cut; its values are left as they are."""
    if not isinstance(element, dict):
        return element
    fitted = dict(cast("JsonBlock", element))
    for name, limit in (("text", BUTTON), ("placeholder", PLACEHOLDER)):
        if name in fitted:
            fitted[name] = _fit_text(fitted[name], limit)
    if "options" in fitted:
        options = [_fit_option(option) for option in _list_of(fitted["options"])]
        fitted["options"] = options[:OPTIONS]
    return fitted


def _fit_option(option: Any) -> Any:
    if not isinstance(option, dict) or "text" not in option:
        return cast("Any", option)
    return {**cast("JsonBlock", option), "text": _fit_text(option["text"], OPTION)}


def _fit_text(item: Any, limit: int) -> Any:
    if not isinstance(item, dict):
        return item
    text = cast("JsonBlock", item)
    written = text.get("text")
    return {**text, "text": cut(written, limit)} if isinstance(written, str) else text


def _list_of(items: Any) -> list[Any]:
    return list(cast("list[Any]", items)) if isinstance(items, list) else []


_FITS: dict[str, Callable[[JsonBlock], Iterator[JsonBlock]]] = {
    "header": _fit_header,
    "section": _fit_section,
    "context": _fit_context,
    "actions": _fit_actions,
}
