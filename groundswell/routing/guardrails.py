"""Guardrails: what must hold before a person contacts a self-serve user.

Every guardrail is checked and recorded on every decision, with the values it saw. What is unknown
does not pass. A hand-raise passes them all, except a do-not-contact.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.model import GuardrailResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from groundswell.config.resolved import Guardrails
    from groundswell.model import Scalar, Trigger
    from groundswell.routing.state import AccountState

NEW_TRIGGER_DAYS = 28
"""A trigger counts as new, after a long silence, while it began within so many days."""

HOLDOUT = "holdout"
HOLDOUT_SEED, EXPLORE_SEED = "groundswell", "groundswell explores"
WEEKS = 13
HELPFUL_FAMILIES = frozenset({"usage", "intent", "hand_raise"})
"""Families of triggers that suggest that a human helps; `account` alone does not."""

ASKED = "Asked for a person."

READ = frozenset(
    {
        "account_age_days",
        "days_since_active",
        "has_friction",
        "is_activated",
        "is_onboarding",
        "is_paying",
    }
)
"""The features that guardrails look at."""

ON_FREQUENCY = frozenset({"account_touch", "person_touch", "last_handoff"})
"""Guardrails on how often a person writes; what the product shows is no such touch."""


@dataclass(frozen=True, slots=True)
class Case:
    """One account as the guardrails see it.

    Attributes:
        account_id: The account.
        as_of: The UTC day whose knowledge is used.
        values: Its features.
        triggers: What holds for it.
        state: What the ledger knows.
        raised: It asked for a person, and nobody has answered yet.
    """

    account_id: str
    as_of: date
    values: Mapping[str, Scalar]
    triggers: Sequence[Trigger]
    state: AccountState
    raised: bool

    def pick(self, *names: str) -> dict[str, Scalar]:
        """Return some of the values, None for those that are missing."""
        return {name: self.values.get(name) for name in names}


def check_guardrails(guardrails: Guardrails, case: Case) -> tuple[GuardrailResult, ...]:
    """Check every guardrail, in the order of the list below.

    Returns:
        One result each: do_not_contact, account_age, activated, silence, onboarding, trigger,
        account_touch, person_touch, last_handoff, queue, holdout.
    """
    results = [check(guardrails, case) for check in _CHECKS]
    if not case.raised:
        return tuple(results)
    return tuple(result if result.name == DO_NOT_CONTACT else _waive(result) for result in results)


def may_offer_human(results: Iterable[GuardrailResult]) -> bool:
    """Tell whether the product may offer a human: every guardrail passes but for the frequency."""
    return all(result.passed or result.name in ON_FREQUENCY for result in results)


def is_held_out(share: float, key: str, *, seed: str = HOLDOUT_SEED) -> bool:
    """Tell whether an account is in the holdout: a fixed share, by a hash of its parent's id.

    The same account is always on the same side for a seed, and raising the share only adds
    accounts.

    Args:
        share: Share to hold out, 0..1.
        key: Account id of the parent, or its own.
        seed: Another seed draws another holdout.
    """
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2.0**64


def is_explored(share: float, key: str, as_of: date) -> bool:
    """Tell whether an account is contacted in a week though its score is too low.

    Each week draws anew, by a hash, so that over the 13 weeks of a quarter about `share` of the
    accounts are drawn once, evenly over its weeks.

    Args:
        share: Share of accounts in a quarter, 0..1.
        key: Account id of the parent, or its own.
        as_of: A day of the week.
    """
    year, week, _ = as_of.isocalendar()
    return is_held_out(share / WEEKS, f"{key}:{year}-{week}", seed=EXPLORE_SEED)


def _waive(result: GuardrailResult) -> GuardrailResult:
    if result.passed:
        return result
    reason = f"{ASKED} Otherwise: {result.reason}"
    return GuardrailResult(result.name, passed=True, reason=reason, values=result.values)


DO_NOT_CONTACT = "do_not_contact"


def _do_not_contact(guardrails: Guardrails, case: Case) -> GuardrailResult:
    listed = case.account_id in guardrails.do_not_contact
    marked = case.state.do_not_contact
    if listed or marked:
        reason = "Nobody may contact this account."
    else:
        reason = "Nobody has said not to contact this account."
    return GuardrailResult(
        DO_NOT_CONTACT,
        passed=not (listed or marked),
        reason=reason,
        values={"listed": listed, "marked": marked},
    )


def _account_age(guardrails: Guardrails, case: Case) -> GuardrailResult:
    age = case.values.get("account_age_days")
    least = guardrails.min_account_age_days
    known = isinstance(age, int | float)
    passed = known and age > least
    if not known:
        reason = "How old the account is, is unknown."
    elif passed:
        reason = f"{_days(age)} old, more than {least}."
    else:
        reason = f"Too early: {_days(age)} old, not more than {least}."
    return GuardrailResult("account_age", passed, reason, case.pick("account_age_days"))


def _activated(guardrails: Guardrails, case: Case) -> GuardrailResult:
    activated = case.values.get("is_activated")
    if not guardrails.needs_activation:
        reason = "Activation is not asked for."
    elif activated is None:
        reason = "Whether it is activated is unknown."
    else:
        reason = "Activated." if activated else "Too early: not activated yet."
    passed = bool(activated) or not guardrails.needs_activation
    return GuardrailResult("activated", passed, reason, case.pick("is_activated"))


def _silence(guardrails: Guardrails, case: Case) -> GuardrailResult:
    seen = case.values.get("days_since_active")
    silent = seen if isinstance(seen, int | float) else None
    most = guardrails.max_silence_days
    new = [item.name for item in case.triggers if _is_new(item, case.as_of)]
    recent = silent is not None and silent <= most
    quiet = "never active" if silent is None else f"silent for {_days(silent)}"
    if silent is not None and recent:
        reason = f"Active {_days(silent)} ago, no more than {most}."
    elif new:
        reason = f"{quiet.capitalize()}, but new: {', '.join(new)}."
    else:
        reason = f"Too late: {quiet}, and nothing new."
    values = {**case.pick("days_since_active"), "new_triggers": ", ".join(new) or None}
    return GuardrailResult("silence", recent or bool(new), reason, values)


def _is_new(trigger: Trigger, as_of: date) -> bool:
    return (as_of - trigger.since).days < NEW_TRIGGER_DAYS


def _onboarding(guardrails: Guardrails, case: Case) -> GuardrailResult:
    values = case.pick("is_onboarding", "has_friction")
    busy = bool(values["is_onboarding"]) and not values["has_friction"]
    if not guardrails.respect_onboarding:
        reason = "Onboarding is not looked at."
    elif busy:
        reason = "Progressing through onboarding without friction."
    elif values["is_onboarding"]:
        reason = "Onboarding, with friction."
    else:
        reason = "Not in the middle of onboarding."
    passed = not busy or not guardrails.respect_onboarding
    return GuardrailResult("onboarding", passed, reason, values)


def _trigger(guardrails: Guardrails, case: Case) -> GuardrailResult:
    helpful = [item.name for item in case.triggers if item.family in HELPFUL_FAMILIES]
    said = ", ".join(helpful) or None
    if helpful:
        reason = f"A human may help: {said}."
    elif guardrails.needs_signal:
        reason = "Nothing in usage or intent suggests that a human helps."
    else:
        reason = "No trigger is asked for."
    passed = bool(helpful) or not guardrails.needs_signal
    return GuardrailResult("trigger", passed, reason, {"triggers": said})


def _account_touch(guardrails: Guardrails, case: Case) -> GuardrailResult:
    least = guardrails.account_touch_days
    passed, said, days = _rested(case.state.last_touch_on, case.as_of, least)
    reason = f"The account was {said}."
    return GuardrailResult("account_touch", passed, reason, {"days_since_touch": days})


def _person_touch(guardrails: Guardrails, case: Case) -> GuardrailResult:
    least = guardrails.person_touch_days
    contact, touches = case.state.contact, case.state.person_touches
    if contact is not None:
        passed, said, days = _rested(touches.get(contact), case.as_of, least)
        reason = f"{contact} was {said}."
        values: dict[str, Scalar] = {"contact": contact, "days_since_touch": days}
        return GuardrailResult("person_touch", passed, reason, values)
    resting = sorted(user for user, day in touches.items() if (case.as_of - day).days < least)
    said = ", ".join(resting)
    reason = f"No person is chosen yet; leave out {said}." if resting else "Nobody has to rest."
    return GuardrailResult(
        "person_touch", passed=True, reason=reason, values={"rest": said or None}
    )


def _rested(last: date | None, as_of: date, least: int) -> tuple[bool, str, int | None]:
    if last is None:
        return True, "never contacted", None
    days = (as_of - last).days
    if days >= least:
        return True, f"last contacted {_days(days)} ago, {least} or more", days
    return False, f"contacted {_days(days)} ago, less than {least}", days


def _last_handoff(guardrails: Guardrails, case: Case) -> GuardrailResult:
    least, closed = guardrails.handoff_rest_days, case.state.last_closed_on
    days = None if closed is None else (case.as_of - closed).days
    passed = days is None or days >= least
    if days is None:
        reason = "No handoff was closed before."
    else:
        ended = f"The last handoff was {case.state.last_closed_as} {_days(days)} ago"
        reason = f"{ended}, {least} or more." if passed else f"{ended}, less than {least}."
    values: dict[str, Scalar] = {"days_since_closed": days, "closed_as": case.state.last_closed_as}
    return GuardrailResult("last_handoff", passed, reason, values)


def _queue(_guardrails: Guardrails, case: Case) -> GuardrailResult:
    paying, qualified = bool(case.values.get("is_paying")), case.state.qualified
    explored = case.state.explored
    if paying:
        reason = "A paying customer."
    elif qualified:
        reason = "A free user, and qualified."
    elif explored:
        reason = "A free user, not qualified: among the few lower scores that are explored."
    else:
        reason = "A free user outside the queue: not qualified."
    values: dict[str, Scalar] = {**case.pick("is_paying"), "qualified": qualified}
    return GuardrailResult("queue", paying or qualified or explored, reason, values)


def _holdout(guardrails: Guardrails, case: Case) -> GuardrailResult:
    share = guardrails.holdout_share
    key = case.state.parent_id or case.account_id
    held = share > 0 and is_held_out(share, key)
    if share <= 0:
        reason = "No holdout."
    elif held:
        reason = f"Held out with {100 * share:g}% of accounts, to measure whether contact helps."
    else:
        reason = f"Not among the {100 * share:g}% of accounts held out."
    return GuardrailResult(HOLDOUT, not held, reason, {"share": share, "key": key})


def _days(days: float) -> str:
    return f"{days:g} day" if days == 1 else f"{days:g} days"


_CHECKS: tuple[Callable[[Guardrails, Case], GuardrailResult], ...] = (
    _do_not_contact,
    _account_age,
    _activated,
    _silence,
    _onboarding,
    _trigger,
    _account_touch,
    _person_touch,
    _last_handoff,
    _queue,
    _holdout,
)
