"""Erasing a person from what is kept: texts rewritten where they lie, in one transaction.

What names a person is replaced by a pseudonym that nothing leads back from. Who was erased is
remembered by digests alone, so that what names them again can be told and left out.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    import pyarrow as pa
    from sqlglot import exp

SOLO = "solo:"
ANONYMOUS = "anon:"
_PREFIXES = (SOLO, ANONYMOUS)
PERSON_KEYS = frozenset(
    {"user_id", "userid", "anonymous_id", "anonymousid", "distinct_id", "person", "user"}
)
"""Where even a short text, or a bare number, is a person: columns and keys of JSON."""

ACCOUNT_KEYS = frozenset({"account_id", "accountid", "from_account", "into_account", "account"})
"""Where a text names an account, which may be called as a person is; only `solo:` is theirs."""

_SHORTEST = 4


@dataclass(frozen=True)
class Names:
    """What names a person, and what is put in its place.

    Attributes:
        pseudonym: What they are from now on.
        ids: User and anonymous ids to what they become.
        emails: Addresses, folded, to what they become: of the same domain.
        words: Names in words; they become the pseudonym.
    """

    pseudonym: str
    ids: Mapping[str, str] = field(repr=False)
    emails: Mapping[str, str] = field(repr=False)
    words: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def _exact(self) -> dict[str, str]:
        """What is replaced where it is a whole text, folded."""
        told = {word.strip().lower(): self.pseudonym for word in self.words}
        told |= {name.lower(): new for name, new in self.emails.items()}
        return told

    @cached_property
    def _persons(self) -> dict[str, str]:
        return {name.lower(): new for name, new in self.ids.items()}

    @cached_property
    def _within(self) -> dict[str, str]:
        """What is replaced within longer texts too, folded."""
        found = {word: self.pseudonym for word in self.words if " " in word.strip()}
        found |= {name: new for name, new in self.ids.items() if _is_telling(name)}
        found |= self.emails
        for prefix in _PREFIXES:
            found |= {prefix + name: prefix + new for name, new in self.ids.items()}
        for name, new in list(found.items()):
            found.setdefault(quote(name, safe=""), quote(new, safe=""))
            found.setdefault(html.escape(name), html.escape(new))
        return {name.lower(): new for name, new in found.items()}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _pattern_of(self._within)

    @cached_property
    def _solo(self) -> re.Pattern[str]:
        return _pattern_of([name for name in self._within if name.startswith(_PREFIXES)])

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Folded texts of which one stands in whatever is to be rewritten; in JSON, too."""
        exact = {*self._exact, *self._persons}
        found = {*self._within, *exact}
        found |= {json.dumps(name)[1:-1].lower() for name in found}
        return tuple(sorted(found))

    def rewrite(self, text: str, key: str = "") -> str:
        """Return a text without what names the person.

        Args:
            text: Any text; JSON is looked into.
            key: The column, or the key of JSON, under which it stands.
        """
        if text[:1] in {"{", "["}:
            try:
                told = json.loads(text)
            except ValueError:
                pass
            else:
                new = self.rewrite_json(told, key)
                return text if new == told else json.dumps(new, ensure_ascii=False)
        folded, place = text.strip().lower(), key.lower()
        if place in ACCOUNT_KEYS:
            return self._replaced(self._solo, text)
        if place in PERSON_KEYS and folded in self._persons:
            return self._persons[folded]
        if folded in self._exact:
            return self._exact[folded]
        return self._replaced(self._pattern, text)

    def rewrite_json(self, value: Any, key: str = "") -> Any:
        """Return a value of JSON without what names the person."""
        if isinstance(value, str):
            return self.rewrite(value, key)
        if isinstance(value, list):
            return [self.rewrite_json(item, key) for item in value]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, dict):
            return {self.rewrite(str(k)): self.rewrite_json(v, str(k)) for k, v in value.items()}
        if isinstance(value, int) and key.lower() in PERSON_KEYS:
            return self._persons.get(str(value), value)
        return value

    def mentions(self, text: str, key: str = "") -> bool:
        """Tell whether a text names the person."""
        return self.rewrite(text, key) != text

    def _replaced(self, pattern: re.Pattern[str], text: str) -> str:
        return pattern.sub(
            lambda found: self._within.get(found.group().lower(), self.pseudonym), text
        )


def _is_telling(name: str) -> bool:
    """Tell whether an id is a person wherever it stands: no number, no short word."""
    return len(name) >= _SHORTEST and not name.isdecimal()


def _pattern_of(names: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    joined = "|".join(re.escape(name) for name in longest_first) or r"(?!)"
    return re.compile(rf"(?<![\w.+-])(?:{joined})(?![\w-]|[.@]\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Tombstones:
    """Who was erased, by keyed digests.

    Attributes:
        salt: The key of the digests; of this ledger alone.
        digests: Of all that named them.
    """

    salt: str
    digests: frozenset[str] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.digests)

    def digest(self, name: str) -> str:
        """Return what is kept of a name."""
        key = bytes.fromhex(self.salt)
        folded = name.strip().casefold().encode()
        return hashlib.blake2b(folded, key=key, digest_size=24).hexdigest()

    def hold(self, name: str | None) -> bool:
        """Tell whether a name is of somebody who was erased."""
        return bool(name) and self.digest(name or "") in self.digests


class Eraser(Protocol):
    """Rewrites texts of a warehouse, inside one transaction."""

    def ask(self, select: exp.Query) -> pa.Table:
        """Return what a SELECT gives, what was rewritten before included."""
        ...

    def texts(self) -> list[tuple[str, str]]:
        """Return every text column of every table: table, column."""
        ...

    def rewrite(self, table: str, key: Sequence[str], rows: pa.Table) -> None:
        """Give rows other values.

        Args:
            table: Whose rows.
            key: Columns of `rows` that say which rows of the table are meant.
            rows: Those, and a column `new_<name>` for each that is set.
        """
        ...


@runtime_checkable
class Erases(Protocol):
    """A warehouse that a person can be erased from."""

    def erasing(self) -> AbstractContextManager[Eraser]:
        """Rewrite texts: all or none; the facts count as changed."""
        ...


class Forgets(Protocol):
    """What a ledger does to forget a person."""

    def tombstones(self) -> Tombstones:
        """Return who was erased."""
        ...

    def forget(self, names: Names, tombstones: Iterable[str], *, at: datetime) -> dict[str, int]:
        """Erase a person from every table that is not of colleagues, and remember it by digests.

        Rows in quarantine, dismissals and remembered messages that name them are dropped; a
        contact that waits to be delivered is never sent; all else is rewritten.

        Returns:
            By table, how many rows named them.
        """
        ...

    def rows_naming(self, names: Names) -> dict[str, list[dict[str, Any]]]:
        """Return by table the rows that name a person."""
        ...

    def drop_older(
        self, before: Mapping[str, datetime], *, dry_run: bool = False
    ) -> dict[str, int]:
        """Drop what is kept for a time: rows of quarantine, the audit log, sessions that ended.

        Args:
            before: By table (`rejects`, `audit`, `sessions`), from when on its rows stay.
            dry_run: Only count.

        Returns:
            By table, how many rows went, where any did.
        """
        ...


def update_statement(table: str, key: Sequence[str], columns: Sequence[str], source: str) -> str:
    """Return the UPDATE that sets columns of a table from `new_` columns of another."""
    sets = ", ".join(f'"{name}" = n."new_{name}"' for name in columns)
    same = " AND ".join(f'{table}."{name}" = n."{name}"' for name in key)
    return f"UPDATE {table} SET {sets} FROM {source} AS n WHERE {same}"  # noqa: S608
