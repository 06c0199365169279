"""`events:` resolved: every short form of a matcher made long, every reader settled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from groundswell.config.resolved import Meaning, Reader
from groundswell.config.schema import Matcher
from groundswell.config.validation import validate
from groundswell.config.vocabulary import MEANINGS, NAMED_MEANINGS, READERS, is_property
from groundswell.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.config.findings import Findings, Key

_COMMON_KEYS = ("event", "page", "where", "paid", "enterprise")
_LOOKS_LIKE_A_PATH = re.compile(r"^(propert(y|ies)|props?|traits|context|event)\.")
_PREFIX = "properties."


def resolve_meanings(
    events: dict[str, Any], *, findings: Findings, at: Key = ("events",)
) -> tuple[Meaning, ...]:
    """Return one `Meaning` for each matcher, in the order of the file.

    Args:
        events: Meaning to matcher, list of matchers, or (for meanings that come in kinds) names
            to these.
        findings: Told of everything that is wrong.
        at: Where `events` stands.
    """
    found: list[Meaning] = []
    for name, value in events.items():
        key = (*at, name)
        if name not in MEANINGS:
            findings.tell(
                key,
                "config-unknown-meaning",
                f"Unknown meaning `{name}`.",
                did_you_mean(name, MEANINGS, noun="Meanings"),
                at_key=True,
            )
            continue
        if (
            name in NAMED_MEANINGS
            and isinstance(value, dict)
            and not {"event", "page"} & set(cast("dict[str, Any]", value))
        ):
            for label, item in cast("dict[str, Any]", value).items():
                found.extend(_entries(name, label, item, (*key, label), findings))
        else:
            found.extend(_entries(name, None, value, key, findings))
    return tuple(found)


def _entries(
    name: str, label: str | None, value: Any, key: Key, findings: Findings
) -> Iterator[Meaning]:
    """Yield the matchers that one value holds; names side by side are one matcher."""
    if value is None:
        return
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    names: list[str] = []
    for index, item in enumerate(items):
        where = (*key, index) if isinstance(value, list) else key
        if isinstance(item, str):
            names.append(item)
        elif isinstance(item, dict):
            meaning = _meaning(name, label, cast("dict[str, Any]", item), where, findings)
            if meaning is not None:
                yield meaning
        else:
            findings.tell(
                where,
                "config-wrong-type",
                f"`{key[-1]}` does not say which events it stands for.",
                "Write the name of an event, a list of names, or `{event: ..., where: ...}`.",
            )
    if names:
        meaning = _meaning(name, label, {"event": names}, key, findings)
        if meaning is not None:
            yield meaning


def _meaning(
    name: str, label: str | None, written: dict[str, Any], key: Key, findings: Findings
) -> Meaning | None:
    known = _known_keys(name, written, key, findings)
    checked = validate(Matcher, known, findings=findings, at=key)
    if checked is None:
        return None
    matcher = checked.value
    if not matcher.event and not matcher.page:
        if not checked.dropped:
            findings.tell(
                key,
                "config-empty-matcher",
                f"`{key[-1]}` names neither an event nor a page.",
                "Add `event: <name>` or `page: /path*`.",
            )
        return None
    _check_globs(matcher, key, findings)
    return Meaning(
        name=name,
        label=label,
        events=tuple(matcher.event),
        pages=tuple(matcher.page),
        where=tuple(
            (path.removeprefix(_PREFIX), filter_texts(values))
            for path, values in matcher.where.items()
        ),
        reads=_readers(name, label, matcher, key, findings),
        paid=matcher.paid,
        enterprise=matcher.enterprise,
    )


def _known_keys(name: str, written: dict[str, Any], key: Key, findings: Findings) -> dict[str, Any]:
    """Return what may be written for this meaning, after telling of the rest."""
    allowed = [*_COMMON_KEYS, *MEANINGS[name]]
    for word in written:
        if word in allowed:
            continue
        code, noun = ("config-unknown-key", "key")
        if word in READERS:
            code, noun = ("config-unknown-reader", "reader")
        what = f"`{name}` has no {noun} `{word}`."
        fix = did_you_mean(word, allowed)
        findings.tell((*key, word), code, what, fix, at_key=True)
    return {word: value for word, value in written.items() if word in allowed}


def _check_globs(matcher: Matcher, key: Key, findings: Findings) -> None:
    for page in matcher.page:
        if not page.startswith(("/", "*")):
            findings.tell(
                (*key, "page"),
                "config-bad-page",
                f"`{page}` is no path of a page.",
                "Begin it with `/` or `*`, such as `/pricing*`.",
            )
    if any(not event.strip() for event in matcher.event):
        findings.tell(
            (*key, "event"),
            "config-empty-matcher",
            "The name of an event is empty.",
            "Write the name as your product sends it.",
        )


def _readers(
    name: str, label: str | None, matcher: Matcher, key: Key, findings: Findings
) -> dict[str, Reader]:
    readers: dict[str, Reader] = {}
    for reader in MEANINGS[name]:
        text = cast("str | None", getattr(matcher, reader))
        if text is None:
            named = reader == "name" and label is not None
            readers[reader] = Reader(literal=label) if named else Reader(path=reader)
        elif is_property(text):
            readers[reader] = Reader(path=text.removeprefix(_PREFIX))
        elif _LOOKS_LIKE_A_PATH.match(text):
            findings.tell(
                (*key, reader),
                "config-bad-reader",
                f"`{text}` cannot be read from an event.",
                "Write `properties.<path>`, such as `properties.provider`, or a fixed text.",
            )
        else:
            readers[reader] = Reader(literal=text)
    return readers


def filter_texts(value: Any) -> tuple[str, ...]:
    """Return the texts that a filter accepts: properties are compared as text.

    >>> filter_texts(["pro", 5, True])
    ('pro', '5', 'true')
    """
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    return tuple(_text(item) for item in items)


def _text(item: Any) -> str:
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, float) and item.is_integer():
        return str(int(item))
    return str(item)
