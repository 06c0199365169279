"""The dimensions of one account as of one day, by the book: rule after rule, in plain Python.

Shares no code with the package. `Known` is what the rules read of a world: people and events by
day, and where what belongs to an account counts.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from .worlds import NEVER, START, World, day_of, instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import SimpleNamespace

Row = dict[str, Any]
COUNTED = ("active_users_28d", "features_used_28d", "user_days_28d", "tickets_28d")


class Known(Protocol):
    """What the rules read."""

    world: World
    loaded: SimpleNamespace

    def rows(self, account: int, t: int) -> list[Row]: ...
    def members(self, account: int, t: int, window: int | None) -> int: ...
    def place(self, account: int, t: int) -> int: ...
    def is_admin(self, person: int, day: int) -> bool: ...
    def has_meaning(self, event: Row, name: str) -> bool: ...
    def plain(self, feature: Any, account: int, t: int) -> Any: ...


def naive_dimensions(
    known: Known, account: int, t: int, counted: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything a feature can `read:`, but for parent_id.

    Args:
        known: The world.
        account: Number of the account.
        t: The day as of which.
        counted: The features of that day that are counts.
    """
    money = _money(known, account, t)
    fit = _fit(known, account, t)
    deals = [row for row in known.world.opportunities if _made(row) <= t]
    return {
        **money,
        **fit,
        "seat_ratio": _over(money["seats_used"], money["seat_limit"]),
        "usage_ratio": _over(counted[known.loaded.config.limits.usage], money["usage_limit"]),
        "days_at_limit": _days_at_limit(known, account, t),
        "days_since_upgrade": _days_since_upgrade(known, account, t),
        "open_opportunities": _open(known, account, t) if deals else None,
        "account_age_days": _age(known, account, t),
        "estimated_acv": _acv(known, account, t, money, fit["employees"]),
        "days_to_renewal": _to_renewal(known, account, t),
        "admin_departures_28d": _departed(known, account, t),
        "health": _health(known, account, t, counted, money["seats_used"]),
    }


def _over(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


# --- money ------------------------------------------------------------------------------------


def _terms(world: World) -> list[Row]:
    """Return the versions of subscriptions with `span`, the days on which each held."""
    found: list[Row] = []
    for row in world.subscriptions:
        own = [r for r in world.subscriptions if r["subscription_id"] == row["subscription_id"]]
        own.sort(key=lambda version: version.get("valid_from") or instant(-1))
        nth = own.index(row)
        began, ended = day_of(own[-1]["started_at"]), day_of(own[-1]["ended_at"])
        assert began is not None
        held, following = (day_of(r.get("valid_from")) for r in (row, [*own, {}][nth + 1]))
        start = began if held is None else max(began, held)
        end = min(NEVER if day is None else day for day in (ended, following))
        if start < end or (start, end) == (began, ended):
            found.append({**row, "span": (start, end), "nth": nth})
    return found


def _bought(known: Known, account: int, t: int) -> list[Row]:
    """Return the subscriptions that are active and count for an account, the latest last."""
    found = [
        row
        for row in _terms(known.world)
        if row["span"][0] <= t < row["span"][1]
        and known.place(int(row["account_id"][1:]), t) == account
    ]
    return sorted(found, key=lambda row: row["started_at"])


def _money(known: Known, account: int, t: int) -> dict[str, Any]:
    bought = _bought(known, account, t)
    told = any(row["span"][0] <= t for row in _terms(known.world))
    mrr = float(sum(row["mrr"] for row in bought))
    last = bought[-1] if bought else {"plan": "free"}
    listed = known.loaded.plans.get(last["plan"])
    since = _plan_since(known, last) if bought else None
    own = {"seats": last.get("seat_limit"), "usage": last.get("usage_limit")}
    allowed = {
        name: value if value is not None else getattr(listed, name, None)
        for name, value in own.items()
    }
    return {
        "plan": last["plan"],
        "mrr": mrr if told else None,
        "is_paying": mrr > 0 if told else None,
        "months_on_plan": None if since is None else (t - since) / 30,
        "seats_used": known.members(account, t, None) or last.get("seats") or 0,
        "seat_limit": allowed["seats"],
        "usage_limit": allowed["usage"],
    }


def _plan_since(known: Known, row: Row) -> int:
    """Go back over the account's own terms of the plan while they leave no gap."""
    terms = [
        other["span"]
        for other in _terms(known.world)
        if (other["account_id"], other["plan"]) == (row["account_id"], row["plan"])
    ]
    since = row["span"][0]
    while earlier := [start for start, end in terms if start < since <= end]:
        since = min(earlier)
    return since


def _rose(known: Known, account: int, day: int) -> bool:
    """Tell whether what started on a day costs more than what ended on it."""
    change = 0
    for row in _terms(known.world):
        owner, (start, end) = int(row["account_id"][1:]), row["span"]
        if start < end:
            change += row["mrr"] * (start == day and known.place(owner, day) == account)
            change -= row["mrr"] * (end == day and known.place(owner, day - 1) == account)
    return change > 0


def _completed(known: Known, account: int, t: int) -> list[int]:
    """Return the days of completed upgrades, as known as of t."""
    return [
        row["day"] for row in known.rows(account, t) if known.has_meaning(row, "upgrade_completed")
    ]


def _days_since_upgrade(known: Known, account: int, t: int) -> int | None:
    days = _completed(known, account, t)
    days += [day for day in range(START - 10, t + 1) if _rose(known, account, day)]
    return t - max(days) if days else None


def _days_at_limit(known: Known, account: int, t: int) -> int | None:
    """Walk back, day by day as it was known on that day, while the limit was reached."""
    if not _limited(known, account, t):
        return None
    day = t
    while (
        _is_hot(known, account, day)
        and not _rose(known, account, day)
        and day not in _completed(known, account, day)
    ):
        day -= 1
    return t - day


def _usage(known: Known, account: int, day: int) -> float | None:
    return known.plain(known.loaded.features[known.loaded.config.limits.usage], account, day)


def _limited(known: Known, account: int, day: int) -> bool:
    money = _money(known, account, day)
    counted = _usage(known, account, day) is not None
    return money["seat_limit"] is not None or (counted and money["usage_limit"] is not None)


def _is_hot(known: Known, account: int, day: int) -> bool:
    money, at = _money(known, account, day), known.loaded.config.limits.at
    seats = _over(money["seats_used"], money["seat_limit"])
    if seats is not None and seats >= at:
        return True
    usage = _over(_usage(known, account, day), money["usage_limit"])
    return usage is not None and usage >= at


def _to_renewal(known: Known, account: int, t: int) -> int | None:
    """Look at the latest subscription that costs something: what it says itself, else its term."""
    paid = [row for row in _bought(known, account, t) if row["mrr"] > 0]
    if not paid:
        return None
    row = paid[-1]
    said = day_of(row["ended_at"]) if row.get("valid_from") else None
    if said is not None and said > t:
        return said - t
    listed = known.loaded.plans.get(row["plan"])
    months = listed.term_months if listed else None
    if months is None:
        return None
    own = [r for r in known.world.subscriptions if r["subscription_id"] == row["subscription_id"]]
    began = max(own, key=lambda version: version.get("valid_from") or instant(-1))["started_at"]
    day, passed = t, 0
    while day <= t:
        passed += months
        year, month = divmod(began.year * 12 + began.month - 1 + passed, 12)
        length = monthrange(year, month + 1)[1]
        day = (date(year, month + 1, min(began.day, length)) - date(1970, 1, 1)).days
    return day - t


def _departed(known: Known, account: int, t: int) -> int:
    """Count the admins who last belonged in the four weeks before, and do not now."""
    last: dict[int, int] = {}
    for row in known.world.members:
        if row["account"] == account and row["since"] <= t:
            gone = min(row["until"], t + 1)
            last[row["person"]] = max(gone, last.get(row["person"], 0))
    return sum(t - 28 < gone <= t and known.is_admin(person, gone) for person, gone in last.items())


def _acv(
    known: Known, account: int, t: int, money: dict[str, Any], employees: int | None
) -> float | None:
    seats, config = money["seats_used"], known.loaded.config
    ladder = list(known.loaded.plans.values())
    at = next((i for i, tier in enumerate(ladder) if tier.name == money["plan"]), None)
    priced = [tier for tier in ladder if tier.price_per_seat or tier.price_flat]
    likely = None
    if at is not None and priced:
        above = [tier for tier in ladder[at + 1 :] if tier in priced]
        tier = above[0] if above else ladder[at] if ladder[at] in priced else None
        if tier is not None and tier.price_per_seat:
            most = 2 * seats if employees is None else employees * config.market.addressable_share
            grown = seats + known.members(account, t, 60) * 365 / 60
            # Halves go to the even seat, as on the engines.
            likely = round(min(grown, max(most, seats))) * float(tier.price_per_seat) * 12
        elif tier is not None:
            likely = float(tier.price_flat) * 12
    arr = (money["mrr"] or 0) * 12
    values = [value for value in (arr or None, likely) if value is not None]
    return max(values) if values else None


# --- life and fit -----------------------------------------------------------------------------


def _version(known: Known, account: int, t: int) -> Row | None:
    """Return what is known of the company: the last version that was stated by then."""
    best: Row | None = None
    for row in known.world.versions:
        since = day_of(row["valid_from"] or row["created_at"])
        if row["account_id"] == f"a{account}" and (since is None or since <= t):
            later = best is None or row["valid_from"] is not None
            if later and (best is None or _stated(row) >= _stated(best)):
                best = row
    return best


def _stated(row: Row) -> float:
    return row["valid_from"].timestamp() if row["valid_from"] else float("-inf")


def _fit(known: Known, account: int, t: int) -> dict[str, Any]:
    """Return what the company is; every third account has no domain, the second is free mail."""
    now = _version(known, account, t)
    free = account == 1 and t >= START + 5
    told = ("employees", "industry", "country", "owner")
    if now is None:
        return {
            **dict.fromkeys(told),
            "is_target": None,
            "is_free_mail": free,
            "tech_overlap": None,
            "is_enterprise_domain": False if free else None,
        }
    target = bool(now["target"])
    large = None if now["employees"] is None else now["employees"] > 500
    either = True if target or large else large
    stack = now["tech_stack"]
    used = {item.strip().lower() for item in (stack or "").split(",")}
    return {
        **{name: now.get(name) for name in told},
        "is_target": target,
        "is_free_mail": free,
        "tech_overlap": None if stack is None else len(used & {"snowflake", "okta"}) / 2,
        "is_enterprise_domain": False if free else either if account % 3 else None,
    }


def _age(known: Known, account: int, t: int) -> int:
    now = _version(known, account, t)
    made = day_of(now["created_at"]) if now else None
    return t - (made if made is not None and made <= t else START + 7 * account)


def _made(row: Row) -> int:
    made = day_of(row["created_at"])
    known_from = day_of(row.get("valid_from") or row["created_at"])
    assert made is not None
    assert known_from is not None
    return max(made, known_from)


def _open(known: Known, account: int, t: int) -> int:
    """Count the opportunities whose latest version by t is not closed by t."""
    latest: dict[str, Row] = {}
    for row in sorted(
        known.world.opportunities, key=lambda row: _stated({"valid_from": None, **row})
    ):
        if _made(row) <= t:
            latest[row["opportunity_id"]] = row
    count = 0
    for row in latest.values():
        closed = day_of(row.get("closed_at"))
        ended = closed <= t if closed is not None else row.get("won") is not None
        count += not ended and known.place(int(row["account_id"][1:]), t) == account
    return count


def _health(
    known: Known, account: int, t: int, counted: Mapping[str, Any], people: int
) -> float | None:
    if not known.rows(account, t):
        return None
    active, features, days, tickets = (counted[name] for name in COUNTED)
    rows = known.rows(account, t)
    before = len({(r["person"], r["day"]) for r in rows if t - 56 < r["day"] <= t - 28})
    parts = [
        (35, _over(active, people)),
        (25, None if features is None else features / 5),
        (25, days / before if before else None),
        (15, None if tickets is None else 1 - tickets / 5),
    ]
    told = [(weight, min(max(part, 0), 1)) for weight, part in parts if part is not None]
    usage = [(weight, min(max(part, 0), 1)) for weight, part in parts[:3] if part is not None]
    left, cost = _to_renewal(known, account, t), 0.0
    if left is not None and usage:
        used = sum(w * p for w, p in usage) / sum(w for w, _ in usage)
        cost = 20 * max(1 - left / 90, 0) * (1 - used)
    whole = 100 * sum(w * p for w, p in told) / sum(w for w, _ in told) - cost
    return round(max(whole, 0), 2)
