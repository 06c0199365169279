"""Every feature of one account as of one day, recomputed from raw events in plain Python.

Written from the documentation and sharing no code with the package beyond the wording of roles
and topics: slow, and easy to read.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any

from groundswell.config.expressions import Expression
from groundswell.config.vocabulary import MEANINGS, READERS, feature_types
from groundswell.features.wording import is_admin, is_presales, is_production, is_senior

from .naive_dimensions import naive_dimensions
from .worlds import World, day_of, workspace_of

if TYPE_CHECKING:
    from types import SimpleNamespace

    from groundswell.config.resolved import Meaning
    from groundswell.config.schema import FeatureDef

Row = dict[str, Any]


def text_at(properties: dict[str, Any], path: str) -> str | None:
    value: Any = properties
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if value is None or isinstance(value, dict):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


class Naive:
    """Answers for one world."""

    def __init__(self, world: World, loaded: SimpleNamespace) -> None:
        self.world = world
        self.loaded = loaded
        types = feature_types(loaded.features)
        self.parsed = {
            name: Expression.parse(text, types=types)
            for name, feature in loaded.features.items()
            if (text := feature.value if feature.value is not None else feature.when) is not None
        }
        self._rows: dict[tuple[int, int], list[Row]] = {}

    # --- rows -----------------------------------------------------------------------------

    def rows(self, account: int, t: int) -> list[Row]:
        """Return the events that count for an account as of day t."""
        if (account, t) not in self._rows:
            self._rows[account, t] = self._rows_of(account, t)
        return self._rows[account, t]

    def _rows_of(self, account: int, t: int) -> list[Row]:
        found: list[Row] = []
        for number, event in enumerate(self.world.events):
            for filing in self.world.filings:
                if filing["actor"] != event["actor"] or filing["account"] != account:
                    continue
                if not filing["from_day"] <= event["day"] < filing["until_day"]:
                    continue
                known = max(event["day"], filing["visible"])
                if known <= t < filing["hidden"]:
                    piece = (known, filing["hidden"])
                    found.append(
                        {**event, "person": filing["person"], "piece": piece, "number": number}
                    )
        return found

    def carriers(self, event: Row, of: list[str]) -> list[tuple[Meaning | None, str | None]]:
        if not of:
            return [(None, None)]
        found: list[tuple[Meaning | None, str | None]] = []
        for name in of:
            meaning_name, _, label = name.partition(":")
            if meaning_name not in MEANINGS:
                if fnmatch.fnmatchcase(event["event"], name):
                    found.append((None, None))
                continue
            found += [
                (meaning, label or None)
                for meaning in self.loaded.meanings
                if meaning.name == meaning_name and self.carries(event, meaning)
            ]
        return found

    def carries(self, event: Row, meaning: Meaning) -> bool:
        properties = event["properties"]
        if meaning.events and not any(
            fnmatch.fnmatchcase(event["event"], glob) for glob in meaning.events
        ):
            return False
        if meaning.pages:
            if not meaning.events and event["event"] != "Page":
                return False
            page = text_at(properties, "path") or text_at(properties, "url") or ""
            path = re.sub(r"^\w+://[^/]*", "", page)
            path = re.split(r"[?#]", path)[0]
            if not any(fnmatch.fnmatchcase(path, glob) for glob in meaning.pages):
                return False
        return all(text_at(properties, path) in texts for path, texts in meaning.where)

    def read(self, event: Row, meaning: Meaning | None, reader: str) -> str | None:
        if reader.startswith("properties."):
            return text_at(event["properties"], reader.removeprefix("properties.")) or None
        if meaning is None:
            return text_at(event["properties"], reader) or None
        if reader == "name" and meaning.label:
            return meaning.label
        how = meaning.reads[reader]
        return how.literal or text_at(event["properties"], how.path or "") or None

    def hits(self, feature: FeatureDef, event: Row) -> list[Meaning | None]:
        """Return the reasons why an event counts, flags of who did it aside."""
        found: list[Meaning | None] = []
        for meaning, label in self.carriers(event, list(feature.of)):
            if label and (self.read(event, meaning, "name") or "").lower() != label.lower():
                continue
            if not all(
                self.same(event, meaning, key, value) for key, value in feature.where.items()
            ):
                continue
            flag = feature.flag
            if flag in ("paid", "enterprise") and not (meaning and getattr(meaning, flag)):
                continue
            if flag == "senior" and not is_senior(self.read(event, meaning, "invitee_role")):
                continue
            if flag == "production" and not is_production(self.read(event, meaning, "environment")):
                continue
            if flag == "presales" and not is_presales(self.read(event, meaning, "topic")):
                continue
            found.append(meaning)
        return found

    def same(self, event: Row, meaning: Meaning | None, key: str, value: Any) -> bool:
        texts = [
            str(item).lower() if isinstance(item, bool) else str(item)
            for item in (value if isinstance(value, list) else [value])
        ]
        if key in READERS:
            said = self.read(event, meaning, key)
            plain = [re.sub(r"[\s_-]+", "_", text.lower()) for text in texts]
            return said is not None and re.sub(r"[\s_-]+", "_", said.strip().lower()) in plain
        return text_at(event["properties"], key.removeprefix("properties.")) in texts

    # --- flags that need more than the row --------------------------------------------------

    def has_meaning(self, event: Row, name: str) -> bool:
        return any(m.name == name and self.carries(event, m) for m in self.loaded.meanings)

    def team(self, person: int, day: int) -> str | None:
        best: str | None = None
        for row in self.world.users:
            since = day_of(row["valid_from"])
            told = row["user_id"] == f"u{person}" and row["department"]
            if told and (since is None or since <= day):
                best = row["department"].strip().lower()
        return best

    def passes(
        self, feature: FeatureDef, event: Row, why: list[Meaning | None], rows: list[Row], t: int
    ) -> bool:
        flag, person, day = feature.flag, event["person"], event["day"]
        if flag == "cross_team":
            own = self.team(person, day)
            theirs = [self.read(event, meaning, "department") for meaning in why]
            said = next((text for text in theirs if text), None)
            return own is not None and said is not None and said.strip().lower() != own
        if flag == "uninvited":
            if text_at(event["properties"], "invited_by"):
                return False
            return not any(
                other["person"] == person
                and other["day"] <= day
                and self.has_meaning(other, "invite_accepted")
                for other in rows
            )
        if flag == "admin":
            return self.is_admin(person, day) or any(
                other["person"] == person
                and other["day"] <= day
                and self.has_meaning(other, "admin_action")
                for other in rows
            )
        if flag == "abandoned":
            return self.abandoned(feature, event, rows, t)
        return True

    def is_admin(self, person: int, day: int) -> bool:
        for row in self.world.users:
            since = day_of(row["valid_from"])
            role = re.search(r'"role": "(\w+)"', row["properties"] or "")
            said = [row["title"], role.group(1) if role else None]
            known = since is None or since <= day
            if row["user_id"] == f"u{person}" and known and any(map(is_admin, said)):
                return True
        return any(
            row["user_id"] == f"u{person}" and (day_of(row["since"]) or 0) <= day
            for row in self.world.roles
        )

    def abandoned(self, feature: FeatureDef, event: Row, rows: list[Row], t: int) -> bool:
        if t <= event["day"]:
            return False
        last = max(
            other["second"]
            for other in rows
            if other["person"] == event["person"]
            and other["day"] == event["day"]
            and other["piece"] == event["piece"]
            and self.hits(feature, other)
        )
        start = event["day"] * 86_400 + last
        return not any(
            self.has_meaning(other, "upgrade_completed")
            and 0 < other["day"] * 86_400 + other["second"] - start <= 86_400
            for other in rows
        )

    # --- aggregates ---------------------------------------------------------------------------

    def counted(self, feature: FeatureDef, rows: list[Row], t: int) -> list[tuple[Row, list[Any]]]:
        found: list[tuple[Row, list[Any]]] = []
        for event in rows:
            why = self.hits(feature, event)
            if why and self.passes(feature, event, why, rows, t):
                found.append((event, why))
        return found

    def ticket_rows(self, feature: FeatureDef, account: int, t: int) -> list[Row]:
        """Return tickets of the help desk as events, where the feature is about them."""
        if "support_ticket" not in feature.of:
            return []
        found: list[Row] = []
        for ticket in self.world.tickets:
            day = day_of(ticket["at"]) or 0
            place = self.place(int(ticket["account_id"][1:]), t)
            event = {"event": "", "properties": {"topic": ticket["topic"]}}
            topic = [str(item) for item in feature.where.get("topic", [])]
            if feature.flag == "presales" and not is_presales(ticket["topic"]):
                continue
            if topic and ticket["topic"] not in topic:
                continue
            if day <= t and place == account:
                found.append({**event, "day": day, "person": int(ticket["user_id"][1:])})
        return found

    def place(self, account: int, t: int) -> int:
        for merge in self.world.merges:
            if merge["account"] == account and merge["since"] <= t < merge["until"]:
                return merge["into"]
        return account

    def aggregate(
        self, feature: FeatureDef, kind: str, account: int, t: int, *, window: int, ago: int
    ) -> float:
        rows = self.rows(account, t)
        low, high = t - ago - window + 1, t - ago
        # Whether an attempt was abandoned is known from the day after on, whatever the window.
        chosen = [
            (event, why)
            for event, why in self.counted(feature, rows, t)
            if low <= event["day"] <= high
        ]
        extra = [row for row in self.ticket_rows(feature, account, t) if low <= row["day"] <= high]
        if kind == "events":
            return len(chosen) + len(extra)
        if kind == "users":
            return len({event["person"] for event, _ in chosen} | {row["person"] for row in extra})
        if kind == "active_days":
            return len({event["day"] for event, _ in chosen} | {row["day"] for row in extra})
        if kind == "user_days":
            return len({(event["person"], event["day"]) for event, _ in chosen})
        if kind == "teams":
            teams = {self.team(event["person"], event["day"]) for event, _ in chosen}
            return len(teams - {None})
        if kind == "workspaces":
            return len({workspace_of(event["actor"]) for event, _ in chosen} - {None})
        if kind == "sum":
            return sum(self.number(event, feature.sum or "") for event, _ in chosen)
        reader = kind.removeprefix("distinct ")
        values = {self.read(event, meaning, reader) for event, why in chosen for meaning in why}
        return len(values - {None})

    def number(self, event: Row, path: str) -> float:
        try:
            return float(text_at(event["properties"], path.removeprefix("properties.")) or "0")
        except ValueError:
            return 0.0

    # --- features -------------------------------------------------------------------------------

    def features(self, account: int, t: int) -> dict[str, Any]:
        """Return every feature."""
        values = {
            name: self.plain(feature, account, t)
            for name, feature in self.loaded.features.items()
            if feature.read is None and name not in self.parsed
        }
        values.update(naive_dimensions(self, account, t, values))
        left = dict(self.parsed)
        while left:
            for name, expression in list(left.items()):
                if expression.names <= values.keys():
                    found = {key: values[key] for key in expression.names}
                    values[name] = left.pop(name).evaluate(found)
        return values

    def plain(self, feature: FeatureDef, account: int, t: int) -> Any:
        if feature.members:
            window = _days(feature.within) if feature.members == "new" else None
            return self.members(account, t, window)
        mapped = {meaning.name for meaning in self.loaded.meanings}
        names = [of.split(":")[0] for of in feature.of]
        if feature.of and all(n in MEANINGS and n not in mapped for n in names):
            return None
        window, ago = _days(feature.within), _days(feature.ago or "0d")
        if feature.days_since:
            days = [event["day"] for event, _ in self.counted(feature, self.rows(account, t), t)]
            days += [row["day"] for row in self.ticket_rows(feature, account, t)]
            pick = min if feature.days_since == "first" else max
            return t - pick(days) if days else None
        kind = feature.count or ("sum" if feature.sum else feature.trend or feature.velocity or "")
        now = self.aggregate(feature, kind, account, t, window=window, ago=ago)
        if feature.count or feature.sum:
            return now
        before = self.aggregate(feature, kind, account, t, window=window, ago=ago + window)
        if feature.trend:
            return now / before if before else None
        return (now - before) / (window / 7)

    def members(self, account: int, t: int, window: int | None) -> int:
        spans: dict[int, set[int]] = {}
        for row in self.world.members:
            if row["account"] == account:
                until = min(row["until"], t + 1)
                spans.setdefault(row["person"], set()).update(range(row["since"], until))
        count = 0
        for days in spans.values():
            if t not in days:
                continue
            joined = t
            while joined - 1 in days:
                joined -= 1
            count += window is None or t - joined < window
        return count

    def exists(self, account: int, t: int) -> bool:
        return t >= 20_000 + 7 * account and self.place(account, t) == account


def _days(window: str) -> int:
    return 1 << 20 if window == "lifetime" else int(window[:-1])
