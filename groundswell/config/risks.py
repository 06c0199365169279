"""`risks:` and `customer_success:` resolved: signs of risk, and who looks after whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundswell.config.alerts import tell_unknown_signs
from groundswell.config.expressions import Expression
from groundswell.config.quantities import parse_days
from groundswell.config.resolved import CustomerSuccess, Risks, RiskSpec
from groundswell.config.schema import FeatureDef
from groundswell.config.vocabulary import WATCHED, ValueType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.customer_schema import CustomerSuccessBlock, RisksBlock
    from groundswell.config.findings import Findings
    from groundswell.config.schema import PlanDef

IS_NAMED, IS_POOLED = "is_named_customer", "is_pooled_customer"
"""The features that say who looks after a customer."""

_ENTERPRISE = "enterprise"


def resolve_risks(
    block: RisksBlock, *, types: Mapping[str, ValueType], findings: Findings
) -> Risks:
    """Return the signs of risk that `findings` knows the places of; null ones are left out.

    Args:
        block: As it is written.
        types: What conditions may read, beside what the daily pass finds out.
        findings: Told of everything that is wrong.
    """
    boolean = ValueType.BOOLEAN
    who = findings.expression(("risks", "for"), block.for_, types=types, expect=boolean)
    known = {**types, **WATCHED}
    found: dict[str, RiskSpec] = {}
    for name, sign in block.signs.items():
        if sign is None:
            continue
        key = ("risks", "signs", name)
        findings.template((*key, "say"), sign.say, known=known)
        when = findings.expression((*key, "when"), sign.when, types=known, expect=boolean)
        if when is not None:
            found[name] = RiskSpec(name, when, sign.say)
    return Risks(
        who=who or Expression.parse("is_paying", types=types),
        again_after_days=parse_days(block.again_after),
        signs=found,
    )


def merge_risks(
    ours: RisksBlock, shipped: Risks, *, types: Mapping[str, ValueType], findings: Findings
) -> Risks:
    """Return the shipped signs with the user's in their place or after them.

    Args:
        ours: As the user wrote it.
        shipped: The shipped ones, resolved.
        types: As for `resolve_risks`.
        findings: Told of everything that is wrong in what the user wrote.
    """
    written = resolve_risks(ours, types=types, findings=findings)
    tell_unknown_signs(ours.signs, shipped.signs, findings=findings, block="risks")
    taken = {name for name, sign in ours.signs.items() if sign is None}
    told = ours.model_fields_set
    return Risks(
        who=written.who if "for_" in told else shipped.who,
        again_after_days=(
            written.again_after_days if "again_after" in told else shipped.again_after_days
        ),
        signs={
            name: sign
            for name, sign in {**shipped.signs, **written.signs}.items()
            if name not in taken
        },
    )


def resolve_customer_success(
    block: CustomerSuccessBlock, plans: Mapping[str, PlanDef]
) -> CustomerSuccess:
    """Return who looks after whom, with every plan that is sold to enterprises."""
    sold = [name for name, plan in plans.items() if plan.motion == _ENTERPRISE]
    return CustomerSuccess(
        named_from_arr=block.named_from_arr,
        named_above_employees=block.named_above_employees,
        enterprise_plans=tuple(dict.fromkeys([*block.enterprise_plans, *sold])),
        pooled_from_users=block.pooled_from_users,
        inbox=block.inbox,
    )


def customer_features(terms: CustomerSuccess) -> dict[str, FeatureDef]:
    """Return the features that say who looks after a customer; of who does not pay they are false.

    What is unknown of an account does not name anybody for it.
    """
    named = [
        f"COALESCE(mrr, 0) * 12 >= {terms.named_from_arr:.10g}",
        f"COALESCE(employees, 0) > {terms.named_above_employees}",
    ]
    if terms.enterprise_plans:
        quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in terms.enterprise_plans)
        named.append(f"COALESCE(plan, '') IN ({quoted})")
    paying = "COALESCE(is_paying, FALSE)"
    return {
        IS_NAMED: FeatureDef(
            when=f"{paying} AND ({' OR '.join(named)})",
            doc="A customer that somebody is named for, by `customer_success`",
        ),
        IS_POOLED: FeatureDef(
            when=f"{paying} AND NOT {IS_NAMED} "
            f"AND COALESCE(users_total, 0) >= {terms.pooled_from_users}",
            doc="A customer that shares the customer success team, by `customer_success`",
        ),
    }
