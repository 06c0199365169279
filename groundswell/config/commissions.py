"""`commissions:` resolved: exact rates, cents, and days."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from groundswell.config.quantities import parse_day, parse_days

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from groundswell.config.commission_schema import CommissionsBlock, WorkedDef
    from groundswell.config.findings import Findings, Key

QuotaKind = Literal["new_logo", "expansion"]
_CENTS = 100
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class RepTerms:
    """What holds for one rep: when tenure began, and quotas a year in cents; None as for all."""

    started: date | None = None
    new_logo: int | None = None
    expansion: int | None = None


@dataclass(frozen=True, slots=True)
class Worked:
    """What working one kind of account takes and brings; None is not known.

    Attributes:
        conversion: Share of accounts worked that buy.
        acv_cents: What one pays a year that buys.
        hours: What an account takes, won or not.
    """

    conversion: Fraction | None = None
    acv_cents: int | None = None
    hours: Fraction | None = None


@dataclass(frozen=True, slots=True)
class CommissionPlan:
    """What reps are paid for; rates and shares are exact.

    Attributes:
        pql_rate, rep_rate, untouched_rate: Of annual recurring revenue, by who found the account.
        partial_credit: Of the rate, where the user self-served after a rep helped.
        haircut: Off the commission, where an enterprise had a footprint.
        clawback_days: How soon a loss takes the commission of a sale back.
        renewal_gate: Whether a base gone at its renewal takes that of its expansions back.
        net_over_days: How long revenue is no expansion when it comes back.
        at_least: Comparable accounts that a baseline needs.
        sizes: Employees from which on each next size begins.
        new_logo, expansion: Quotas a year in cents; None where nobody said.
        ramp: Share of the quota by month of tenure.
        reps: By address in lower case.
        queue, cold: What the plan check was given.
        check_at_least: Accounts worked before a conversion is told from data.
        usual_pql, usual_rep: Between what rates usually are.
    """

    pql_rate: Fraction
    rep_rate: Fraction
    untouched_rate: Fraction
    partial_credit: Fraction
    haircut: Fraction
    clawback_days: int
    renewal_gate: bool
    net_over_days: int
    at_least: int
    sizes: tuple[int, ...]
    new_logo: int | None
    expansion: int | None
    ramp: tuple[Fraction, ...]
    reps: dict[str, RepTerms]
    queue: Worked
    cold: Worked
    check_at_least: int
    usual_pql: tuple[Fraction, Fraction]
    usual_rep: tuple[Fraction, Fraction]


def resolve_commissions(block: CommissionsBlock, *, findings: Findings) -> CommissionPlan:
    """Return what reps are paid for; `findings` is told of everything that is wrong."""
    sizes = block.baseline.sizes
    if sizes != sorted(set(sizes)):
        key: Key = ("commissions", "baseline", "sizes")
        what = "The sizes do not ascend."
        findings.tell(key, "config-band-order", what, "Write each once, the smallest first.")
    check = block.plan_check
    return CommissionPlan(
        pql_rate=exact_share(block.rates.pql_sourced),
        rep_rate=exact_share(block.rates.rep_sourced),
        untouched_rate=exact_share(block.rates.untouched),
        partial_credit=exact_share(block.partial_credit),
        haircut=exact_share(block.enterprise_haircut),
        clawback_days=parse_days(block.clawback),
        renewal_gate=block.renewal_gate,
        net_over_days=parse_days(block.net_over),
        at_least=block.baseline.at_least,
        sizes=tuple(sizes),
        new_logo=_cents(block.quota.new_logo),
        expansion=_cents(block.quota.expansion),
        ramp=tuple(exact_share(share) for share in block.quota.ramp),
        reps={
            address.lower(): RepTerms(
                parse_day(rep.started) if rep.started else None,
                _cents(rep.new_logo),
                _cents(rep.expansion),
            )
            for address, rep in block.reps.items()
        },
        queue=_worked(check.queue),
        cold=_worked(check.cold),
        check_at_least=check.at_least,
        usual_pql=_band(check.usual.pql_sourced, "pql_sourced", findings),
        usual_rep=_band(check.usual.rep_sourced, "rep_sourced", findings),
    )


def exact_share(text: str) -> Fraction:
    """Return a percentage as an exact share of one.

    >>> exact_share("7.5%")
    Fraction(3, 40)
    """
    return Fraction(Decimal(text.strip().removesuffix("%").strip())) / _PERCENT


def _cents(amount: float | None) -> int | None:
    return None if amount is None else int(round(Decimal(str(amount)) * _CENTS, 0))


def _worked(given: WorkedDef) -> Worked:
    return Worked(
        exact_share(given.conversion) if given.conversion is not None else None,
        _cents(given.acv),
        Fraction(str(given.hours)) if given.hours is not None else None,
    )


def _band(texts: Sequence[str], name: str, findings: Findings) -> tuple[Fraction, Fraction]:
    low, high = (exact_share(text) for text in texts)
    if high < low:
        key: Key = ("commissions", "plan_check", "usual", name)
        what = f"`{name}` ends at {texts[1]}, before it begins at {texts[0]}."
        findings.tell(key, "config-band-order", what, "Write the lower one first.")
    return low, high
