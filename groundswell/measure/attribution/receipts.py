"""In which bucket each new or expanded dollar is, by which rules, and what decided it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl

from groundswell.measure.attribution.evidence import DAY, Evidence, Files
from groundswell.measure.attribution.wording import write_receipt
from groundswell.measure.commissions.columns import RECEIPTS, half_even

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from groundswell.config.attribution import AttributionRules
    from groundswell.measure.attribution.evidence import Deal, Facts, Handed, Touch, Usage

Bucket = Literal["product_sourced", "sales_sourced", "sales_converted"]
BUCKETS: tuple[Bucket, ...] = ("product_sourced", "sales_converted", "sales_sourced")
GAINS = ("new", "expansion", "reactivation")
_SELF_SERVE = "self_serve"
_MONTHS_OF_A_QUARTER = 3
_TOLD_APART = ("opportunity_id", "base_churned")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A gain of recurring revenue in its bucket.

    Attributes:
        receipt_id: Names it: the account and the day.
        account_id, day, movement, plan: Whose it is, when it came, and of what kind.
        amount_cents: A year.
        bucket: The one bucket that it is in.
        is_influenced: Whether sales had a part in it; a tag, which says nothing of the bucket.
        product_cents, sales_cents: What is credited to either; they add up to the amount, and both
            are above zero only where credit is shared.
        motion: How it was sold.
        rep: Who is credited; None for nobody.
        self_served: Whether the user bought alone.
        footprint: Whether the product was used in a way that mattered before; None where that is
            not known, or nobody worked an opportunity on it.
        rules: Version of the rules that decided.
        settled_on: From this day on nothing that happens can change it.
        why: In a sentence or a few.
        evidence: By what it was decided.
    """

    receipt_id: str
    account_id: str
    day: date
    movement: str
    plan: str | None
    amount_cents: int
    bucket: Bucket
    is_influenced: bool
    product_cents: int
    sales_cents: int
    motion: str
    rep: str | None
    self_served: bool
    footprint: bool | None
    rules: str
    settled_on: date
    why: str
    evidence: Evidence

    @property
    def quarter(self) -> date:
        """The first day of its calendar quarter."""
        return first_of_quarter(self.day)


def first_of_quarter(day: date) -> date:
    """Return the first day of the calendar quarter that a day is in.

    >>> str(first_of_quarter(date(2026, 6, 30)))
    '2026-04-01'
    """
    return date(day.year, (day.month - 1) // _MONTHS_OF_A_QUARTER * _MONTHS_OF_A_QUARTER + 1, 1)


def attribute(facts: Facts, rules_of: Callable[[date], AttributionRules]) -> list[Receipt]:
    """Return a receipt for every gain, by account and day.

    Args:
        facts: What is known by a day.
        rules_of: Returns the rules of the quarter that begins on a day.
    """
    judge = _Judge(facts)
    gains = facts.movements.filter(pl.col("arr_cents") > 0).sort("account_id", "day")
    rows = gains.select("account_id", "day", "kind", "arr_cents", "plan_after").iter_rows()
    return [
        judge.receipt(_Gain(account, day, rules_of(first_of_quarter(day))), kind, cents, plan)
        for account, day, kind, cents, plan in rows
    ]


def commission_receipts(receipts: Iterable[Receipt], movements: pl.DataFrame) -> pl.DataFrame:
    """Return what commissions are told from: all gains in their buckets, and all losses.

    What an account pays is all in `movements`, so that its base is known to be there when it
    expands: a base that goes later is a loss of its own.

    Args:
        receipts: As `attribute` gives them.
        movements: What they were told from.

    Returns:
        As `commissions.RECEIPTS`.
    """
    gains = [
        {name: getattr(one, name) for name in RECEIPTS if name not in _TOLD_APART}
        | {"opportunity_id": one.evidence.opportunity_id, "base_churned": False}
        for one in receipts
    ]
    losses = movements.filter(pl.col("arr_cents") < 0).select(
        receipt_id=pl.format("{}@{}", "account_id", pl.col("day").dt.to_string("iso")),
        account_id="account_id",
        day="day",
        movement="kind",
        amount_cents="arr_cents",
        plan="plan_after",
    )
    told = pl.DataFrame(gains, schema=RECEIPTS)
    return pl.concat([told, losses], how="diagonal").select(*RECEIPTS)


@dataclass(frozen=True, slots=True)
class _Gain:
    """A gain, and the rules of its quarter."""

    account: str
    day: date
    rules: AttributionRules


class _Judge:
    """Puts gains into buckets, one after the other."""

    def __init__(self, facts: Facts) -> None:
        self._files = Files(facts)
        self._usage: dict[str, dict[tuple[str, date], Usage]] = {}

    def receipt(
        self, gain: _Gain, kind: str, cents: int, plan: str | None, motion: str = _SELF_SERVE
    ) -> Receipt:
        deal, standing = self._deal(gain)
        touches = self._touches(gain)
        used = self._used(gain, deal.opened - DAY) if deal else None
        footprint = None if used is None else _is_footprint(used, gain.rules)
        evidence = _told(touches)
        bucket: Bucket = "product_sourced"
        rep = touches[-1].rep if touches else None
        before = deal.opened if deal else gain.day
        handed = self._handed(gain, before)
        evidence = replace(
            evidence,
            qualified_on=self._qualified(gain, before),
            handoff_id=handed.handoff_id if handed else None,
            handed_on=handed.opened if handed else None,
        )
        if deal is not None:
            found = evidence.qualified_on is not None or handed is not None or footprint
            bucket = "sales_converted" if found else "sales_sourced"
            rep = deal.owner or (handed.owner if handed else None) or rep
            motion = deal.motion or motion
            evidence = replace(
                evidence,
                opportunity_id=deal.opportunity_id,
                opened_on=deal.opened,
                won_on=deal.closed if standing == "won" else None,
                footprint_on=deal.opened - DAY,
                people=used.people if used else None,
                days=used.days if used else None,
                activated=used.activated if used else None,
            )
        product = _product_cents(cents, bucket, gain.rules)
        return Receipt(
            receipt_id=f"{gain.account}@{gain.day}",
            account_id=gain.account,
            day=gain.day,
            movement=kind,
            plan=plan,
            amount_cents=cents,
            bucket=bucket,
            is_influenced=bucket != "sales_sourced" and (deal is not None or bool(touches)),
            product_cents=product,
            sales_cents=cents - product,
            motion=motion,
            rep=rep,
            self_served=standing != "won",
            footprint=footprint,
            rules=gain.rules.version,
            settled_on=gain.day + timedelta(days=gain.rules.won_days + 1),
            why=write_receipt(bucket, evidence, rules=gain.rules, rep=rep),
            evidence=evidence,
        )

    def _deal(self, gain: _Gain) -> tuple[Deal | None, str | None]:
        """Return the opportunity behind a gain that a person worked, and how it stood.

        Of several a won one, then that which was won nearest, then that which was opened last.
        """
        rules = gain.rules
        found: list[tuple[tuple[bool, int, int, str], Deal, str]] = []
        for deal in self._files.deals(gain.account):
            standing = deal.standing(gain.day, rules)
            if standing is None or (standing == "open" and not rules.still_open):
                continue
            if deal.source in rules.not_from or not self._is_worked(deal, gain):
                continue
            won = standing == "won" and deal.closed is not None
            apart = abs((deal.closed - gain.day).days) if won and deal.closed else 0
            rank = (not won, apart, -deal.opened.toordinal(), deal.opportunity_id)
            found.append((rank, deal, standing))
        if not found:
            return None, None
        _, deal, standing = min(found, key=lambda one: one[0])
        return deal, standing

    def _is_worked(self, deal: Deal, gain: _Gain) -> bool:
        by, rules = gain.rules.worked_by, gain.rules
        if "owner" in by and deal.owner is not None:
            return True
        if "touch" in by:
            since = deal.opened - timedelta(days=rules.touch_days)
            touches = self._files.touches(gain.account)
            if any(since <= touch.day <= gain.day for touch in touches):
                return True
        since = deal.opened - timedelta(days=rules.pql_days)
        handed = self._files.handed(gain.account)
        return "handoff" in by and any(
            one.touched is not None and since <= one.touched <= gain.day for one in handed
        )

    def _touches(self, gain: _Gain) -> list[Touch]:
        since = gain.day - timedelta(days=gain.rules.touch_days)
        told = self._files.touches(gain.account)
        found = [touch for touch in told if since <= touch.day <= gain.day]
        return sorted(found, key=lambda touch: (touch.day, touch.rep))

    def _used(self, gain: _Gain, day: date) -> Usage:
        """Return the most that any account of the family used by a day."""
        rules = gain.rules
        usage = self._usage.get(rules.version)
        if usage is None:
            usage = self._usage[rules.version] = self._files.usage(rules)
        none = self._files.unused(rules)
        told = [usage.get((one, day), none) for one in self._files.family(gain.account)]
        return max(
            told,
            key=lambda one: (
                bool(_is_footprint(one, rules)),
                one.people or 0,
                one.days or 0,
                bool(one.activated),
            ),
        )

    def _handed(self, gain: _Gain, before: date) -> Handed | None:
        since = before - timedelta(days=gain.rules.pql_days)
        handed = self._files.handed(gain.account)
        found = [one for one in handed if since <= one.opened <= before]
        return max(found, key=lambda one: (one.opened, one.handoff_id), default=None)

    def _qualified(self, gain: _Gain, before: date) -> date | None:
        """Return since when it was a PQL that still counts."""
        since = before - timedelta(days=gain.rules.pql_days)
        return max(
            (
                on
                for on, off in self._files.pqls(gain.account)
                if on <= before and (on >= since or off is None or off >= since)
            ),
            default=None,
        )


def _told(touches: Sequence[Touch]) -> Evidence:
    if not touches:
        return Evidence()
    reps = tuple(dict.fromkeys(touch.rep for touch in touches))
    return Evidence(touches=len(touches), touched_on=touches[-1].day, touched_by=reps)


def _is_footprint(used: Usage, rules: AttributionRules) -> bool | None:
    """Tell whether an account used the product in a way that matters; None if not known."""
    told: list[bool | None] = []
    if rules.people is not None:
        told.append(None if used.people is None else used.people >= rules.people)
    if rules.days is not None:
        told.append(None if used.days is None else used.days >= rules.days)
    if rules.activated:
        told.append(used.activated)
    if False in told:
        return False
    return None if None in told else True


def _product_cents(cents: int, bucket: Bucket, rules: AttributionRules) -> int:
    if bucket == "sales_converted":
        return half_even(cents * rules.product_share)
    return cents if bucket == "product_sourced" else 0
