"""The shape of groundswell.yaml: one pydantic model per block, with every default.

A model here says what may be written; `loading` finds where it was written, and `meanings`
turns the short forms of a matcher into the long one. Shipped YAML in `presets/` is read through
the same models, so whatever Groundswell ships a user can write.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from groundswell.config.alert_schema import AlertsBlock, SignDef
from groundswell.config.attribution_schema import AttributionBlock
from groundswell.config.block import (
    Block,
    Currency,
    Days,
    Filters,
    Name,
    Plain,
    PriceText,
    ShareText,
    Texts,
    Window,
)
from groundswell.config.commission_schema import CommissionsBlock
from groundswell.config.customer_schema import CustomerSuccessBlock, RiskDef, RisksBlock
from groundswell.config.experiment_schema import ExperimentsBlock
from groundswell.config.metric_schema import FunnelDef, MeasuringBlock, MetricDef
from groundswell.config.mistake_schema import MistakeDef
from groundswell.config.offer_schema import OfferDef
from groundswell.config.overlay_schema import OverlayBlock
from groundswell.config.payback_schema import PaybackBlock
from groundswell.config.play_schema import BriefBlock, PlayDef
from groundswell.config.pricing_schema import PricingBlock
from groundswell.config.report_schema import ReportsBlock
from groundswell.config.retention_schema import RetentionBlock
from groundswell.config.score_schema import (
    Bands,
    ComponentDef,
    LearningBlock,
    PresetDef,
    Release,
    ScoreBlock,
    Threshold,
)
from groundswell.config.sign_in_schema import SignInBlock
from groundswell.config.source_schema import (
    CsvDialect,
    IdentityBlock,
    SourceDef,
    TimeFormat,
    WebhookDef,
)
from groundswell.config.team_schema import Leave, Member, TeamDef
from groundswell.config.vocabulary import MEANINGS, NAMED_MEANINGS
from groundswell.config.web_schema import WebBlock

__all__ = [
    "AlertsBlock",
    "Bands",
    "Block",
    "ComponentDef",
    "Config",
    "CsvDialect",
    "CustomerSuccessBlock",
    "FeatureDef",
    "GuardrailsBlock",
    "IdentityBlock",
    "Leave",
    "LimitsBlock",
    "MarketBlock",
    "Matcher",
    "Member",
    "MotionRule",
    "Name",
    "OfferDef",
    "Plain",
    "PlanDef",
    "PresetDef",
    "Release",
    "RiskDef",
    "RisksBlock",
    "ScoreBlock",
    "SignDef",
    "SourceDef",
    "TeamDef",
    "Threshold",
    "TimeFormat",
    "TriggerDef",
    "WebhookDef",
    "Window",
    "config_schema",
]

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


# --- events -> meanings ---------------------------------------------------------------------


class Matcher(Block):
    """Which events carry a meaning, and what to read from them.

    A reader (`name`, `kind`, `endpoint`, ...) is `properties.<path>`, or a fixed text.
    """

    event: Texts = Field(
        default_factory=list[str], description="Names of your events; `*` stands for any text."
    )
    page: Texts = Field(
        default_factory=list[str], description="Paths of page views, such as `/pricing*`."
    )
    where: Filters = Field(
        default_factory=dict[str, Plain | list[Plain]],
        description="Property -> the value, or one of the values, it must have.",
    )
    paid: bool = Field(default=False, description="It is a feature of a paid plan.")
    enterprise: bool = Field(default=False, description="It is a feature of the enterprise plan.")
    name: str | None = Field(default=None, description="Reader of what it is called.")
    kind: str | None = Field(default=None, description="Reader of what kind it is.")
    endpoint: str | None = Field(default=None, description="Reader of the API endpoint.")
    environment: str | None = Field(
        default=None, description="Reader of the environment: production or test."
    )
    topic: str | None = Field(default=None, description="Reader of what it is about.")
    invitee_email: str | None = Field(default=None, description="Reader of the invitee's address.")
    invitee_role: str | None = Field(default=None, description="Reader of the invitee's title.")
    department: str | None = Field(default=None, description="Reader of the invitee's department.")


# --- features -------------------------------------------------------------------------------


class FeatureDef(Block):
    """One feature, declared. Exactly one of the first nine keys says what it is."""

    count: str | None = Field(
        default=None,
        description="`events`, `users`, `active_days`, `user_days`, `teams`, `workspaces`, or "
        "`distinct <property>`.",
    )
    sum: str | None = Field(
        default=None, description="A numeric property, `properties.<path>`, added up."
    )
    days_since: Literal["first", "last"] | None = Field(
        default=None, description="Days from the first or last such event to the as-of day."
    )
    members: Literal["all", "new"] | None = Field(
        default=None, description="People who belong now, or who joined within the window."
    )
    trend: str | None = Field(
        default=None,
        description="An aggregate as in `count`: now / the window before; unknown without one.",
    )
    velocity: str | None = Field(
        default=None,
        description="An aggregate as in `count`: now - the window before, per week.",
    )
    read: str | None = Field(
        default=None, description="A dimension (employees, plan, mrr, ...), as known on the day."
    )
    value: str | None = Field(
        default=None, description="An arithmetic expression over other features."
    )
    when: str | None = Field(
        default=None, description="A condition over other features; the feature is true or false."
    )
    of: Texts = Field(
        default_factory=list[str],
        description="A meaning, `meaning:name`, or an event name or glob; all activity if left "
        "out.",
    )
    within: Window = Field(default="lifetime", description="Window, such as `28d`, or `lifetime`.")
    ago: Window | None = Field(default=None, description="Shift the window back by so many days.")
    where: Filters = Field(
        default_factory=dict[str, Plain | list[Plain]],
        description="Property or reader -> the value, or one of the values, it must have.",
    )
    flag: str | None = Field(
        default=None,
        description="A row test: `paid`, `enterprise`, `senior`, `cross_team`, `uninvited`, "
        "`abandoned`, `production`, `admin` or `presales`.",
    )
    say: str | None = Field(default=None, description="Sentence template for this feature.")
    doc: str = Field(default="", description="What it measures, in one line.")


# --- plans, motions, triggers, guardrails, teams ----------------------------------------------


class PlanDef(Block):
    """A plan on the price list; the plans stand in the order of the price ladder."""

    price: PriceText | None = Field(
        default=None,
        description="`12 per seat monthly`, `from 900 monthly`, `4800 yearly`; in `currency`.",
    )
    seats: Count | None = Field(default=None, description="Seats the plan allows.")
    usage: Count | None = Field(default=None, description="Usage a month the plan allows.")
    motion: Literal["self_serve", "sales_assist", "enterprise"] | None = Field(
        default=None, description="How the plan is sold."
    )
    talk_to_sales: Literal["absent", "optional", "only"] | None = Field(
        default=None, description="Whether its page offers to talk to sales."
    )
    term: Literal["monthly", "yearly"] | None = Field(
        default=None, description="How often it renews, counted from the subscription's start."
    )


class MotionRule(Block):
    """First match wins; your rules come before the defaults."""

    name: str = Field(description="What the rule is about, in words.")
    when: str = Field(description="A condition over features and the score.")
    motion: Literal["self_serve", "sales_assist", "enterprise", "expansion"] = Field(
        description="How the account is sold to."
    )
    team: str | None = Field(
        default=None, description="A team of `teams`, or `owner` for the account's owner."
    )
    play: str | None = Field(default=None, description="What the rep is advised to do.")


class TriggerDef(Block):
    """Why now: fires on the day its condition starts to hold."""

    family: Literal["usage", "intent", "account", "hand_raise"] = Field(
        description="What kind of reason it is."
    )
    when: str = Field(description="A condition over features and the score.")
    say: str = Field(description="The sentence, with `{features}` filled in.")


_SWITCHES = {True: "20%", "on": "20%", False: "0%", "off": "0%"}


def _switched(value: object) -> object:
    """Return the share that `on` and `off` stand for."""
    return _SWITCHES.get(value, value) if isinstance(value, bool | str) else value


class GuardrailsBlock(Block):
    """What must hold before a person contacts a self-serve user."""

    min_account_age: Days = Field(default="3d", description="Too early until older than this.")
    needs_activation: bool = Field(default=True, description="Not before the account activated.")
    max_silence: Days = Field(
        default="180d", description="Too late after so many silent days, without a new signal."
    )
    needs_signal: bool = Field(
        default=True, description="Not without a usage or intent trigger that a human helps with."
    )
    respect_onboarding: bool = Field(
        default=True, description="Not while the account is onboarding without friction."
    )
    one_touch_per_account: Days = Field(
        default="30d", description="At most one touch of an account in this time."
    )
    one_touch_per_person: Days = Field(
        default="90d", description="At most one touch of a person in this time."
    )
    rest_after_handoff: Days = Field(
        default="30d",
        description="No new handoff in this time after one was declined, lost or let go.",
    )
    dismissed_offer: Days = Field(
        default="90d",
        description="What the product offered is not shown again in this time to a person who "
        "dismissed it.",
    )
    holdout: Annotated[ShareText, BeforeValidator(_switched, json_schema_input_type=str | bool)] = (
        Field(
            default="0%",
            description="Share of accounts that is not contacted, to measure by; `on` for 20%.",
        )
    )
    explore: ShareText = Field(
        default="0%",
        description="Share of lower scores that is contacted too in a quarter, to learn from.",
    )
    explore_from: Annotated[float, Field(ge=0, le=100)] = Field(
        default=30, description="Scores below this are not contacted to learn from."
    )
    do_not_contact: list[str] = Field(
        default_factory=list[str], description="Accounts that are never contacted."
    )


# --- what counts as a limit, and what fits ----------------------------------------------------


class LimitsBlock(Block):
    """What counts against the limits of a plan."""

    usage: str = Field(
        default="api_calls_30d", description="The feature that a plan's `usage` limits."
    )
    at: Share = Field(default=0.8, description="From which share of a limit it is nearly reached.")


class MarketBlock(Block):
    """What fits: the technologies, the share of employees who could use the product."""

    tech_stack: list[str] = Field(
        default_factory=list[str], description="Technologies that make a company fit."
    )
    addressable_share: Share = Field(
        default=0.2, description="Share of a company's employees who could use the product."
    )
    seat_price: PriceText | None = Field(
        default=None,
        description="What a seat of the next tier costs, where `plans` does not say.",
    )


# --- the whole --------------------------------------------------------------------------------


class Config(Block):
    """groundswell.yaml as a whole."""

    company: str = Field(default="Your company", description="Your company's name.")
    currency: Currency = Field(default="USD", description="ISO 4217 code of every amount.")
    include: Texts = Field(
        default_factory=list[str],
        description="More files with blocks of this one, relative to the file that names them.",
    )
    events: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="What your events mean: meaning -> your names."
    )
    features: dict[Name, FeatureDef] = Field(
        default_factory=dict[Name, FeatureDef], description="Features, beside the built-in ones."
    )
    windows: list[Window] = Field(
        default_factory=lambda: ["7d", "14d", "28d", "30d", "60d", "90d", "lifetime"],
        description="The windows that built-in features named `..._<w>` come in.",
    )
    score: ScoreBlock = Field(default_factory=ScoreBlock, description="What makes a good account.")
    learning: LearningBlock = Field(
        default_factory=LearningBlock, description="What a score is proved by, and learned from."
    )
    plans: dict[str, PlanDef] = Field(
        default_factory=dict[str, PlanDef], description="The price list, cheapest first."
    )
    motions: list[MotionRule] = Field(
        default_factory=list[MotionRule],
        description="Who works an account; first match wins, before the shipped rules.",
    )
    triggers: dict[Name, TriggerDef | None] = Field(
        default_factory=dict[Name, TriggerDef | None],
        description="Reasons to act now, beside the shipped ones; null takes a shipped one away.",
    )
    alerts: AlertsBlock = Field(
        default_factory=AlertsBlock,
        description="When somebody is told that a customer could take more.",
    )
    risks: RisksBlock = Field(
        default_factory=RisksBlock,
        description="When somebody is told that a customer is at risk.",
    )
    customer_success: CustomerSuccessBlock = Field(
        default_factory=CustomerSuccessBlock,
        description="Which customers have a person of their own, and which share one.",
    )
    offers: dict[Name, OfferDef | None] = Field(
        default_factory=dict[Name, OfferDef | None],
        description="What the product shows, before the shipped offers; first match wins, null "
        "takes a shipped one away.",
    )
    plays: dict[Name, PlayDef | None] = Field(
        default_factory=dict[Name, PlayDef | None],
        description="What reps are advised to do, before the shipped plays; null takes a shipped "
        "one away.",
    )
    brief: BriefBlock = Field(default_factory=BriefBlock, description="How a brief is worded.")
    guardrails: GuardrailsBlock = Field(
        default_factory=GuardrailsBlock, description="When a person may contact a user."
    )
    teams: dict[Name, TeamDef] = Field(
        default_factory=dict[Name, TeamDef], description="The people, by team."
    )
    sources: dict[str, SourceDef] = Field(
        default_factory=dict[str, SourceDef], description="Where records come from."
    )
    identity: IdentityBlock = Field(
        default_factory=IdentityBlock, description="How users are filed under accounts."
    )
    limits: LimitsBlock = Field(
        default_factory=LimitsBlock, description="What counts against a plan's limits."
    )
    market: MarketBlock = Field(default_factory=MarketBlock, description="What fits.")
    destinations: dict[str, dict[str, Any]] = Field(
        default_factory=dict[str, dict[str, Any]],
        description="Where decisions are sent; secrets as ${ENVIRONMENT_VARIABLE}.",
    )
    reports: ReportsBlock = Field(
        default_factory=ReportsBlock, description="Which reports are sent by themselves."
    )
    retention: RetentionBlock = Field(
        default_factory=RetentionBlock,
        description="For how long what came in is kept as it came.",
    )
    web: WebBlock = Field(
        default_factory=WebBlock, description="What the pages may do beside showing."
    )
    sign_in: SignInBlock = Field(
        default_factory=SignInBlock, description="How colleagues prove who they are."
    )
    metrics: dict[Name, MetricDef | None] = Field(
        default_factory=dict[str, MetricDef | None],
        description="What is measured; beside the shipped ones, `null` takes one away.",
    )
    measuring: MeasuringBlock = Field(
        default_factory=MeasuringBlock, description="What has to be known to measure."
    )
    funnels: dict[str, FunnelDef | None] = Field(
        default_factory=dict[str, FunnelDef | None],
        description="The stages of each motion, in place of the shipped ones.",
    )
    attribution: AttributionBlock = Field(
        default_factory=AttributionBlock.as_shipped,
        description="Which bucket a new or expanded dollar is in.",
    )
    commissions: CommissionsBlock = Field(
        default_factory=CommissionsBlock.as_shipped, description="What reps are paid for."
    )
    payback: PaybackBlock = Field(
        default_factory=PaybackBlock.as_shipped,
        description="What salespeople cost, and when they have paid for themselves.",
    )
    pricing: PricingBlock = Field(
        default_factory=PricingBlock.as_shipped,
        description="What the price list is checked by.",
    )
    experiments: ExperimentsBlock = Field(
        default_factory=ExperimentsBlock.as_shipped,
        description="How it is told whether a person helps.",
    )
    overlay: OverlayBlock = Field(
        default_factory=OverlayBlock.as_shipped,
        description="When self-serve needs sales beside it.",
    )
    mistakes: dict[Name, MistakeDef | None] = Field(
        default_factory=dict[Name, MistakeDef | None],
        description="What differs from the shipped detectors of mistakes; null takes one away.",
    )
    warehouse: str = Field(
        default="duckdb", description="Where events are kept: duckdb, postgresql://, spark://."
    )
    tables: list[Literal["dim_accounts", "fct_pql"]] = Field(
        default_factory=list[Literal["dim_accounts", "fct_pql"]],
        description="Tables of accounts and handoffs that are kept in the warehouse for others.",
    )
    ledger: str = Field(
        default="sqlite", description="Where decisions are kept: sqlite or postgresql://."
    )


def _events_schema() -> dict[str, Any]:
    """Return the schema of `events`: each meaning in its short and long forms."""
    single = [{"type": "string"}, {"$ref": "#/$defs/Matcher"}]
    several = {"type": "array", "items": {"anyOf": single}}
    matcher = {"anyOf": [*single, several, {"type": "null"}]}
    named = {"anyOf": [*matcher["anyOf"], {"type": "object", "additionalProperties": matcher}]}
    return {
        "type": "object",
        "description": Config.model_fields["events"].description,
        "additionalProperties": False,
        "properties": {name: named if name in NAMED_MEANINGS else matcher for name in MEANINGS},
    }


def _or_empty(block: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a block that may also be left empty, as the loader allows."""
    notes = {key: block[key] for key in ("description", "default") if key in block}
    rest = {key: value for key, value in block.items() if key not in notes}
    return {**notes, "anyOf": [rest, {"type": "null"}]}


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of groundswell.yaml, for editors to complete and check by."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "groundswell.yaml"
    schema["$defs"]["Matcher"] = Matcher.model_json_schema()
    schema["$defs"]["SourceDef"]["anyOf"] = [{"required": ["kind"]}, {"required": ["webhook"]}]
    schema["properties"]["events"] = _events_schema()
    for name, field in Config.model_fields.items():
        schema["properties"][name].setdefault("description", field.description)
    schema["properties"] = {name: _or_empty(block) for name, block in schema["properties"].items()}
    return schema
