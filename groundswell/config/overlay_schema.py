"""The block `overlay:` of groundswell.yaml: when self-serve needs sales beside it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from groundswell.config.block import Block, misfit_error
from groundswell.config.quantities import Misfit, parse_quarter
from groundswell.config.shipped_block import ShippedBlock, ShippedPart

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Span = Annotated[list[Positive], Field(min_length=2, max_length=2)]


def _quarter(value: object) -> str:
    try:
        parse_quarter(value)
    except Misfit as misfit:
        raise misfit_error(misfit) from None
    return str(value)


QuarterText = Annotated[str, BeforeValidator(_quarter, json_schema_input_type=str)]


class Hint(Block):
    """What a prospect said it would pay."""

    quarter: QuarterText = Field(description="When, such as `2026-Q1`.")
    amount: Positive = Field(description="A year, in `currency`.")
    said_by: str = Field(description="Who said so, or where it was asked.")


class SignalTerms(ShippedPart):
    """From where on a signal tells."""

    fires_at: Positive = Field(description="From where it fires.")
    holds_from: Positive = Field(description="Down to where one that fired twice goes on.")
    watch_from: Positive = Field(description="From where it is watched; below it is quiet.")
    at_least: Count = Field(description="How many it takes to fire, whatever their share.")


class InboundTerms(SignalTerms):
    """Of `enterprise_inbound`."""

    employees: Count = Field(description="An account of more is shaped like an enterprise.")


class StalledTerms(SignalTerms):
    """Of `stalled_at_limit`."""

    days: Count = Field(description="So long at the limit without an upgrade.")


class LostTerms(SignalTerms):
    """Of `lost_for_people`."""

    amount: Positive = Field(description="Deals of as much or more.")
    reasons: list[str] = Field(description="Parts of a lost reason that speak of people.")


class RichTerms(SignalTerms):
    """Of `rich_unpaid`."""

    users: Count = Field(description="People active in four weeks.")
    active_days: Count = Field(description="Days with activity, of the last 90.")
    age_days: Count = Field(description="Days since the account was made.")
    features: Count = Field(description="Different features used in four weeks.")


class AskTerms(SignalTerms):
    """Of `security_asks`."""

    topics: list[str] = Field(description="Parts of a ticket's topic that make it such an ask.")


class SignalsTerms(ShippedPart):
    """The seven signals."""

    enterprise_inbound: InboundTerms = Field(description="Enterprises among new accounts.")
    stalled_at_limit: StalledTerms = Field(description="Accounts that stay at their limit.")
    lost_for_people: LostTerms = Field(description="Large deals lost for a competitor's people.")
    rich_unpaid: RichTerms = Field(description="Deep usage that pays nothing.")
    security_asks: AskTerms = Field(description="Security and procurement asks, a week.")
    capped_plan: SignalTerms = Field(description="What prospects would pay over the plan's cap.")
    board_pressure: SignalTerms = Field(description="Declared.")


class RuleTerms(ShippedPart):
    """How many signals it takes."""

    trigger: Count = Field(description="In each of two quarters, one of them demand: trigger.")
    watch: Count = Field(description="In each of two quarters: watch list.")


class ReadinessTerms(ShippedPart):
    """What has to hold before anything is laid over self-serve."""

    conversion: Share = Field(description="Self-serve conversion, at least.")
    conversion_fall: Share = Field(description="A fall of it that is not stable.")
    time_to_value_days: Positive = Field(description="Median time to value, at most.")
    time_to_value_growth: Positive = Field(description="Growth of it that is lengthening.")
    nrr_quarters: Count = Field(description="Quarters for which NRR has to be known.")
    inbound_accounts: Count = Field(description="Enterprise-shaped accounts of two quarters.")
    inbound_real: Share = Field(description="Share of these that is real.")


class SymptomTerms(ShippedPart):
    """What a company that has outgrown self-serve shows."""

    growth_before: Share = Field(description="Growth a quarter that there was.")
    growth_ceiling: Share = Field(description="Growth a quarter that it slowed to, at most.")
    signups_kept: Positive = Field(description="Of the sign-ups of a year before, at least.")
    top_share: Share = Field(description="Which share of accounts is the top.")
    top_revenue: Share = Field(description="Share of revenue that the top makes.")
    top_lost: Count = Field(description="Of the top, lost or shrunk with nobody owning them.")
    big_employees: Count = Field(description="An account with as many employees is big.")
    big_seat_share: Share = Field(description="Seats of its employees, at most, to be stalled.")
    big_quarters: Count = Field(description="Quarters that its seats stand still.")
    big_change: Share = Field(description="Change of seats that counts as none.")
    big_accounts: Count = Field(description="How many of them.")
    answer_days: Count = Field(description="Days within which an ask is answered.")
    unanswered: Share = Field(description="Share of asks that nobody answered.")
    unanswered_accounts: Count = Field(description="How many of them, at least.")
    nrr_low: Positive = Field(description="NRR is stuck above this.")
    nrr_high: Positive = Field(description="And below this.")


class CounterTerms(ShippedPart):
    """What speaks against an overlay."""

    runway_growth: Share = Field(description="Growth a quarter that is no ceiling.")
    runway_slowed: Share = Field(description="By which share it slowed to make somebody ask.")
    activation: Share = Field(description="Share of new accounts activated, at least.")
    activation_days: Count = Field(description="Within so many days.")
    activation_fall: Share = Field(description="A fall of it that is a problem.")
    cac_payback_months: Positive = Field(description="Months of CAC payback, at most.")
    runway_months: Positive = Field(description="Months of cash that a payback takes.")
    enterprise_share: Share = Field(description="Share of enterprises among companies, at least.")
    enterprise_accounts: Count = Field(description="Or so many of them.")
    midmarket_employees: Count = Field(description="A company with as many is mid-market.")
    midmarket_share: Share = Field(description="Share of these or larger, at least.")
    employees_known: Share = Field(description="Share of companies whose size is known.")
    pqls: Count = Field(description="PQLs in two quarters, at least.")


class LayerTerms(ShippedPart):
    """One layer of people."""

    people: Span = Field(description="How many people.")
    roles: list[str] = Field(description="Who has such a role is this layer.")
    deals: Positive = Field(description="Deals a rep and year.")
    cost: Positive = Field(description="What a rep costs in the first year.")
    acv: Span = Field(description="Deals a year are usually between.")
    cycle_months: Span = Field(description="Months from first talk to signature.")


class LayersTerms(ShippedPart):
    """The layers, the lightest first."""

    sales_assist: LayerTerms = Field(description="Helps who is stuck.")
    sales_led_expansion: LayerTerms = Field(description="Grows who pays.")
    enterprise_overlay: LayerTerms = Field(description="Sells to enterprises.")


class FirstHireTerms(ShippedPart):
    """When the first salesperson is hired, and who."""

    arr: Span = Field(description="ARR from which, and by which it is usual.")
    growth: Share = Field(description="Growth a quarter over a year, at least.")
    cac_payback_months: Positive = Field(description="Months of CAC payback, at most.")
    title: str = Field(description="Whom.")
    profile: list[str] = Field(description="What the person is like.")


class MaturityTerms(ShippedPart):
    """What a stage of maturity takes."""

    handoffs: Count = Field(description="In two quarters, for a motion to be in use.")
    proactive: Share = Field(description="Share of handoffs without a hand raised before.")
    raised_days: Count = Field(description="A handoff so soon after a raised hand answers it.")
    in_time: Share = Field(description="Share of handoffs touched in time.")
    told_why: Share = Field(description="Share of handoffs without a sale that say why.")
    joined: Share = Field(description="Share of opportunities with usage.")
    briefed: Share = Field(description="Share of handoffs with a play.")


class NewProductTerms(ShippedPart):
    """How a new product is best sold."""

    minutes_to_value: Positive = Field(description="Value within fewer speaks for self-serve.")


class NewProduct(Block):
    """A product that is not sold yet; what is left out is not known."""

    name: str = Field(description="What it is called.")
    minutes_to_value: Positive | None = Field(
        default=None, description="Minutes from sign-up to the first value."
    )
    individuals_first: bool | None = Field(
        default=None, description="One person has value of it before a team has."
    )
    can_be_instrumented: bool | None = Field(
        default=None, description="Whether its usage can be told by events."
    )
    needs_services: bool | None = Field(
        default=None, description="Somebody has to put it in place."
    )
    buyer_uses_it: bool | None = Field(default=None, description="Who buys it is who uses it.")
    configured_first: bool | None = Field(
        default=None, description="It is configured before there is value."
    )


class OverlayBlock(ShippedBlock):
    """When self-serve needs sales beside it, what is declared, and what speaks against it."""

    shipped: ClassVar[str] = "overlay"

    quarters: Annotated[int, Field(ge=3, le=40)] = Field(description="Quarters looked at.")
    board_pressure: list[QuarterText] | None = Field(
        description="Quarters in which the board asked for predictable revenue; `[]` for none."
    )
    willingness_to_pay: list[Hint] = Field(description="What prospects said they would pay.")
    runway_months: Positive | None = Field(description="Months of cash left.")
    disputed: dict[QuarterText, Count] | None = Field(
        description="Disputes over who earned what, by quarter; `{}` for none. Those of quarters "
        "from the first one in which `commissions dispute` was used are counted."
    )
    self_serve_answers: list[str] = Field(description="Topics of asks that a page answers.")
    enterprise_ready: dict[str, bool | None] = Field(
        description="What enterprises ask of the product, and whether it is there."
    )
    signals: SignalsTerms = Field(description="From where on the signals tell.")
    rule: RuleTerms = Field(description="How many it takes.")
    readiness: ReadinessTerms = Field(description="What has to hold before.")
    symptoms: SymptomTerms = Field(description="What a ceiling looks like.")
    counter_cases: CounterTerms = Field(description="What speaks against it.")
    layers: LayersTerms = Field(description="What can be laid over self-serve, lightest first.")
    enterprise_pqls: Count = Field(description="Enterprise PQLs in two quarters that feed a team.")
    disputes: Count = Field(description="Disputes a quarter over who earned what, at most.")
    first_hire: FirstHireTerms = Field(description="When the first is hired, and who.")
    maturity: MaturityTerms = Field(description="What a stage takes.")
    new_product: NewProductTerms = Field(description="From where on it sells itself.")
    new_products: list[NewProduct] = Field(description="Products whose motion is to be chosen.")
