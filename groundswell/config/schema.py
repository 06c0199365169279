"""The shape of groundswell.yaml: one pydantic model per block, with every default.

A model here says what may be written; `loading` finds where it was written, and `meanings`
turns the short forms of a matcher into the long one. Shipped YAML in `presets/` is read through
the same models, so whatever Groundswell ships a user can write.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Plain = str | int | float | bool


class Block(BaseModel):
    """A mapping in the file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


# --- events -> meanings ---------------------------------------------------------------------


class Matcher(Block):
    """Which events carry a meaning, and what to read from them.

    `event` and `page` are globs (`Automation *`, `/pricing*`). `where` filters on properties:
    a value, or a list of values, compared as text. A reader (`name`, `kind`, `endpoint`, ...)
    is either `properties.<path>` or a literal.
    """

    event: Annotated[list[str], BeforeValidator(_as_list)] = Field(default_factory=list[str])
    page: Annotated[list[str], BeforeValidator(_as_list)] = Field(default_factory=list[str])
    where: dict[str, Plain | list[Plain]] = Field(default_factory=dict[str, Plain | list[Plain]])
    paid: bool = False
    enterprise: bool = False
    name: str | None = None
    kind: str | None = None
    endpoint: str | None = None
    environment: str | None = None
    topic: str | None = None
    invitee_email: str | None = None
    invitee_role: str | None = None
    department: str | None = None


def _as_matcher(value: Any) -> Any:
    """Turn `Dashboard Created` or a list of names into the long form."""
    if isinstance(value, str):
        return {"event": [value]}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return {"event": value}
    return value


MatcherInput = Annotated[Matcher, BeforeValidator(_as_matcher)]


# --- features -------------------------------------------------------------------------------

Window = Annotated[str, Field(pattern=r"^([1-9][0-9]{0,3}d|lifetime)$")]


class FeatureDef(Block):
    """One feature, declared. Exactly one of the first eight keys says what it is.

    Attributes:
        count: `events`, `users`, `active_days`, `user_days`, `teams`, `workspaces`, or
            `distinct <property>`.
        sum: A numeric property, `properties.<path>`, added up.
        days_since: `first` or `last`: days from that event to the as-of day.
        members: `all` (belonging now) or `new` (joined within the window).
        trend: An aggregate as in `count`; now / the window before. Null without a before.
        velocity: An aggregate as in `count`; now - the window before, per week.
        read: A dimension (employees, plan, mrr, ...), as known on the day.
        value: An arithmetic expression over other features.
        when: A condition over other features; the feature is true or false.
        of: A meaning, `meaning:name`, or an event name or glob; all activity when left out.
        within: Window, such as `28d`, or `lifetime`.
        ago: Shift the window back by this many days.
        where: Property filters, as in `events`.
        flag: A row test the vocabulary names (`paid`, `enterprise`, `senior`, `cross_team`,
            `uninvited`, `abandoned`, `production`, `admin`, `presales`).
        say: Sentence template for this feature.
        doc: What it measures, in one line.
    """

    count: str | None = None
    sum: str | None = None
    days_since: Literal["first", "last"] | None = None
    members: Literal["all", "new"] | None = None
    trend: str | None = None
    velocity: str | None = None
    read: str | None = None
    value: str | None = None
    when: str | None = None
    of: Annotated[list[str], BeforeValidator(_as_list)] = Field(default_factory=list[str])
    within: Window = "lifetime"
    ago: Window | None = None
    where: dict[str, Plain | list[Plain]] = Field(default_factory=dict[str, Plain | list[Plain]])
    flag: str | None = None
    say: str | None = None
    doc: str = ""


# --- score ----------------------------------------------------------------------------------


class Threshold(Block):
    """A limit that a score must pass: strictly `above`, or `at_least`."""

    above: float | None = None
    at_least: float | None = None


class ComponentDef(Block):
    """How a feature becomes points: a curve, a lookup, or a condition.

    Curve: `from`, `at`, `give` lists of one length. Lookup: `from` and `give` as a mapping of
    values to points (`other` catches the rest). Condition: `when` and `give` as one number.
    """

    from_: str | None = Field(default=None, alias="from")
    at: list[float] | None = None
    give: list[float] | dict[str, float] | float | None = None
    when: str | None = None
    unknown: float = 0.0
    say: str | None = None
    say_unknown: str | None = None


class Bands(Block):
    """From where a part counts as `medium` and as `high`.

    In percent of the way from the least to the most that the part's components can give.
    """

    medium: float = 40.0
    high: float = 70.0


class Release(Block):
    """When a qualified account is let go, and when it may qualify again."""

    below: float = 10.0
    for_: str = Field(default="7d", alias="for")
    cool_down: str = "30d"


class ScoreBlock(Block):
    """The score: a preset, and edits to it."""

    preset: Literal["hybrid", "points", "buckets", "fitted"] = "hybrid"
    weights: dict[Literal["usage", "fit", "behaviour"], float] | None = None
    qualified: Threshold | None = None
    enterprise: Threshold | None = None
    bands: Bands | None = None
    release: Release = Field(default_factory=Release)
    # A component is long (ComponentDef), a bare lookup (`industry: {software: 30}`),
    # or null, which takes a preset's component away.
    usage: dict[str, ComponentDef | dict[str, float] | None] = Field(default_factory=dict)
    fit: dict[str, ComponentDef | dict[str, float] | None] = Field(default_factory=dict)
    behaviour: dict[str, ComponentDef | dict[str, float] | None] = Field(default_factory=dict)


# --- plans, motions, guardrails, triggers, teams ----------------------------------------------


class PlanDef(Block):
    """A plan on the price list. `price` is `12 per seat monthly`, `from 900 monthly`, ..."""

    price: str | int | float | None = None
    seats: int | None = None
    usage: int | None = None
    motion: Literal["self_serve", "sales_assist", "enterprise"] | None = None
    talk_to_sales: Literal["absent", "optional", "only"] | None = None


class MotionRule(Block):
    """First match wins; a user's rules come before the defaults."""

    name: str
    when: str
    motion: Literal["self_serve", "sales_assist", "enterprise", "expansion"]
    team: str | None = None
    play: str | None = None


class TriggerDef(Block):
    """Why now: fires on the day its condition starts to hold."""

    family: Literal["usage", "intent", "account", "hand_raise"]
    when: str
    say: str


class GuardrailsBlock(Block):
    """What must hold before a person contacts a self-serve user. Durations in days; shares in %."""

    min_account_age: str = "3d"
    needs_activation: bool = True
    max_silence: str = "180d"
    needs_signal: bool = True
    respect_onboarding: bool = True
    one_touch_per_account: str = "30d"
    one_touch_per_person: str = "90d"
    holdout: str = "0%"
    do_not_contact: list[str] = Field(default_factory=list[str])


class Member(Block):
    """A person who works accounts."""

    name: str
    email: str
    role: str | None = None
    timezone: str = "UTC"
    capacity: int | None = None
    territory: str | None = None


class TeamDef(Block):
    """People who work one motion, and their service level."""

    members: list[Member] = Field(default_factory=list[Member])
    assign: Literal["round_robin", "owner"] = "round_robin"
    first_touch_within: str | None = None


# --- sources --------------------------------------------------------------------------------


class CsvDialect(Block):
    """How a CSV file is written. Nothing here is guessed."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    header: bool = True
    columns: list[str] | None = None
    decimal: Literal[".", ","] = "."


class TimeFormat(Block):
    """How times are written: a strptime `format` or an epoch `unit`, and the `zone` they are in."""

    format: str | None = None
    unit: Literal["s", "ms", "us", "ns"] | None = None
    zone: str | None = None


class SourceDef(Block):
    """Where records come from, and how their names map to ours.

    `columns` maps ours to theirs, `constants` gives ours a fixed value; a column not named
    keeps its name, and one that is not ours is kept as a property. `times` overrides `time` for
    single columns of ours. `only` is a condition over their columns.
    """

    kind: str
    path: str | None = None
    dsn: str | None = None
    query: str | None = None
    table: str | None = None
    cursor: str | None = None
    format: (
        Literal[
            "csv", "jsonl", "parquet", "segment", "rudderstack", "amplitude", "mixpanel", "posthog"
        ]
        | None
    ) = None
    csv: CsvDialect = Field(default_factory=CsvDialect)
    columns: dict[str, str] = Field(default_factory=dict[str, str])
    constants: dict[str, Plain] = Field(default_factory=dict[str, Plain])
    time: TimeFormat | None = None
    times: dict[str, TimeFormat] = Field(default_factory=dict[str, TimeFormat])
    null: list[str] = Field(default_factory=lambda: [""])
    only: str | None = None
    group_type: str | None = None


class IdentityBlock(Block):
    """How users are filed under accounts, beyond what events and tables say."""

    domains: bool = True
    solo_accounts: bool = True
    aliases: dict[str, str] = Field(default_factory=dict[str, str])
    subsidiaries: dict[str, str] = Field(default_factory=dict[str, str])
    free_mail: list[str] = Field(default_factory=list[str])
    internal: list[str] = Field(default_factory=list[str])


class LimitsBlock(Block):
    """What counts against the limits of a plan."""

    usage: str = "api_calls_30d"
    at: float = 0.8


class MarketBlock(Block):
    """What fits: the technologies, the share of employees who could use the product."""

    tech_stack: list[str] = Field(default_factory=list[str])
    addressable_share: float = 0.2
    seat_price: str | None = None


class Config(Block):
    """groundswell.yaml as a whole."""

    company: str = "Your company"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    include: list[str] = Field(default_factory=list[str])
    events: dict[str, Any] = Field(default_factory=dict[str, Any])
    features: dict[str, FeatureDef] = Field(default_factory=dict[str, FeatureDef])
    windows: list[Window] = Field(
        default_factory=lambda: ["7d", "14d", "28d", "30d", "60d", "90d", "lifetime"]
    )
    score: ScoreBlock = Field(default_factory=ScoreBlock)
    plans: dict[str, PlanDef] = Field(default_factory=dict[str, PlanDef])
    motions: list[MotionRule] = Field(default_factory=list[MotionRule])
    triggers: dict[str, TriggerDef] = Field(default_factory=dict[str, TriggerDef])
    guardrails: GuardrailsBlock = Field(default_factory=GuardrailsBlock)
    teams: dict[str, TeamDef] = Field(default_factory=dict[str, TeamDef])
    sources: dict[str, SourceDef] = Field(default_factory=dict[str, SourceDef])
    identity: IdentityBlock = Field(default_factory=IdentityBlock)
    limits: LimitsBlock = Field(default_factory=LimitsBlock)
    market: MarketBlock = Field(default_factory=MarketBlock)
    destinations: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])
    warehouse: str = "duckdb"
    ledger: str = "sqlite"
