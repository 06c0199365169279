"""The configuration resolved: presets merged in, short forms made long, expressions compiled.

The other stages read these and never the raw blocks of `schema`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time
from typing import TYPE_CHECKING

from groundswell.config.schema import Bands

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from groundswell.config.expressions import Expression
    from groundswell.config.schema import Threshold
    from groundswell.config.vocabulary import ValueType
    from groundswell.errors import Place
    from groundswell.model import Motion, OfferKind, Part


@dataclass(frozen=True, slots=True)
class Reader:
    """How to read one value from an event: a path into its properties, or a fixed text.

    Exactly one of the two is set; `path` is written without `properties.`.
    """

    path: str | None = None
    literal: str | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """One matcher of one meaning; an event carries the meaning if any entry matches.

    Attributes:
        name: The meaning, such as `used_feature`.
        label: Its kind, such as `dashboards`; None when it has none.
        events: Globs over event names (`*` any text, `?` one character); any matches.
        pages: Globs over the path of a page view; any matches.
        where: Property path (without `properties.`) and the texts it may equal; all must hold.
        reads: Reader name to how it is read; every reader the meaning takes is here.
        paid: It is a feature of a paid plan.
        enterprise: It is a feature of the enterprise plan.
    """

    name: str
    label: str | None
    events: tuple[str, ...]
    pages: tuple[str, ...]
    where: tuple[tuple[str, tuple[str, ...]], ...]
    reads: dict[str, Reader]
    paid: bool = False
    enterprise: bool = False


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """How one feature, or one condition, becomes points on its part's scale.

    Exactly one of three forms: a curve (`feature`, `at`, `give`), a lookup (`feature`, `lookup`;
    the key `other` catches what is not listed; true and false are the keys `true` and `false`),
    or a condition (`when`, `points`).
    """

    name: str
    part: Part
    feature: str | None
    at: tuple[float, ...] | None
    give: tuple[float, ...] | None
    lookup: dict[str, float] | None
    when: Expression | None
    points: float | None
    unknown: float
    say: str | None
    say_unknown: str | None
    feature_type: ValueType | None


@dataclass(frozen=True, slots=True)
class PartDef:
    """One part of the score: its weight and its components, in order."""

    weight: float
    components: tuple[ComponentSpec, ...]


@dataclass(frozen=True, slots=True)
class Chance:
    """The chance of the outcome (0..1) at some scores, ascending; straight between them."""

    at: tuple[float, ...]
    give: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScoreDef:
    """The score as it is computed.

    Attributes:
        preset: Name of the preset it began with.
        version: The preset's name and a short hash of everything below.
        combine: `weighted` (sum of weight x part), `sum` (sum of parts) or `multiply`
            (usage and behaviour weighted, times fit).
        parts: The parts with at least one component or a weight.
        qualified: What the score must pass.
        enterprise: What it must pass for enterprise; None when the preset has no such line.
        release_below: Points under the threshold at which an account is let go.
        release_days: Days it must stay there first.
        cool_down_days: Days before it may qualify again, unless it raises its hand.
        bands: From where a part counts as medium and as high.
        base: Points that every account has, where parts are summed.
        chance: The chance of the outcome by score; None where it was not learned.
        learned_until: The first day of which nothing was learned; None where nothing was at all.
    """

    preset: str
    version: str
    combine: str
    parts: dict[Part, PartDef]
    qualified: Threshold
    enterprise: Threshold | None
    release_below: float
    release_days: int
    cool_down_days: int
    bands: Bands = field(default_factory=Bands)
    base: float = 0.0
    chance: Chance | None = None
    learned_until: date | None = None

    def __hash__(self) -> int:
        """Return the hash of the version, which stands for everything else."""
        return hash(self.version)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of the price list; prices are per month. `price_from`: the flat price is a start.

    `term_months`: after so many months it renews; None where nobody says.
    """

    name: str
    price_per_seat: Decimal | None = None
    price_flat: Decimal | None = None
    price_from: bool = False
    seats: int | None = None
    usage: int | None = None
    motion: Motion | None = None
    talk_to_sales: str | None = None
    term_months: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One routing rule; the first whose condition is true decides."""

    name: str
    when: Expression
    motion: Motion
    team: str | None = None
    play: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """A reason to act now; it fires on the day its condition starts to hold."""

    name: str
    family: str
    when: Expression
    say: str


@dataclass(frozen=True, slots=True)
class SignSpec:
    """A sign that a customer could take more; one of a family counts, that of most points."""

    name: str
    family: str
    when: Expression
    points: float
    say: str | None = None


@dataclass(frozen=True, slots=True)
class Alerts:
    """Who is told daily that a customer could take more, and by which signs.

    Attributes:
        who: Which accounts are looked at.
        high: From which `expansion_potential` on somebody is told.
        very_high: From where it is very high.
        again_after_days: How long the same news is not told again.
        signs: By name, in order.
    """

    who: Expression
    high: float
    very_high: float
    again_after_days: int
    signs: dict[str, SignSpec]


@dataclass(frozen=True, slots=True)
class RiskSpec:
    """A sign that a customer is at risk."""

    name: str
    when: Expression
    say: str


@dataclass(frozen=True, slots=True)
class Risks:
    """Who is told daily that a customer is at risk, and by which signs.

    Attributes:
        who: Which accounts are looked at, of those that pay.
        again_after_days: How long the same news is not told again.
        signs: By name, in order.
    """

    who: Expression
    again_after_days: int
    signs: dict[str, RiskSpec]


@dataclass(frozen=True, slots=True)
class CustomerSuccess:
    """Which customers have a person of their own, and which share one.

    Attributes:
        named_from_arr: From which yearly revenue on somebody is named.
        named_above_employees: Of a company with more employees, too.
        enterprise_plans: And on these plans.
        pooled_from_users: From so many people on the others share the team.
        inbox: Address of who is told of these; None for whoever reads the channel.
    """

    named_from_arr: float = 12_000
    named_above_employees: int = 500
    enterprise_plans: tuple[str, ...] = ("enterprise",)
    pooled_from_users: int = 2
    inbox: str | None = None


@dataclass(frozen=True, slots=True)
class OfferSpec:
    """What the product shows an account when a condition is true; the first that may be decides.

    Attributes:
        name: Its name.
        kind: What is shown.
        when: The condition, over features, the score and the decision.
        say: The sentence that is read in the product; None of `none`, which shows nothing.
        plan: Name of the plan of an upgrade; None for the one that fits.
    """

    name: str
    kind: OfferKind
    when: Expression
    say: str | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class Saying:
    """A sentence, and the condition under which it is said; None for always."""

    say: str
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """What the first sentence of a brief may say, and what that is about; None for itself."""

    saying: Saying
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Rewriting:
    """The language model that polishes opening lines.

    Attributes:
        url: Up to `/v1`; may hold `${...}`.
        model: Which model.
        token: As `${...}`; None where none is needed.
        timeout: Seconds.
    """

    url: str
    model: str
    token: str | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Play:
    """What a rep is advised to do; of several sentences the first that can be said is.

    Attributes:
        name: Its name.
        title: What it is called in a brief.
        when: When it is advised though no rule names it; None for never.
        solving: What they are probably solving.
        blocker: What probably keeps them.
        offer: What there is to offer.
        opening: The first line to write.
        avoid: What not to do: each of these that can be said.
    """

    name: str
    title: str
    when: Expression | None
    solving: tuple[Saying, ...]
    blocker: tuple[Saying, ...]
    offer: tuple[Saying, ...]
    opening: tuple[Saying, ...]
    avoid: tuple[Saying, ...]


@dataclass(frozen=True, slots=True)
class Briefing:
    """How a brief is worded.

    Attributes:
        clauses: What its first sentence may say, in order.
        most: So many of them at most.
        rewriting: What polishes the opening line; None for nothing.
    """

    clauses: tuple[Clause, ...]
    most: int
    rewriting: Rewriting | None = None


@dataclass(frozen=True, slots=True)
class Guardrails:
    """What must hold before a person contacts a self-serve user; lengths in days.

    `explore_share` of the accounts whose score is too low, and `explore_from` or more, is contacted
    too in a quarter.
    """

    min_account_age_days: int
    needs_activation: bool
    max_silence_days: int
    needs_signal: bool
    respect_onboarding: bool
    account_touch_days: int
    person_touch_days: int
    holdout_share: float
    do_not_contact: tuple[str, ...] = ()
    dismissed_offer_days: int = 90
    handoff_rest_days: int = 30
    explore_share: float = 0.0
    explore_from: float = 30.0


@dataclass(frozen=True, slots=True)
class WorkWeek:
    """When somebody works.

    Attributes:
        begins, ends: Of a working day, in their time zone.
        days: Days of the week, Monday being 0.
        timezone: IANA name.
        country, part: Whose public holidays they have; None for no holidays.
    """

    begins: time = time(9)
    ends: time = time(17)
    days: frozenset[int] = frozenset(range(5))
    timezone: str = "UTC"
    country: str | None = None
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A person who works accounts.

    Attributes:
        name, email, role, timezone: Who they are, and where.
        capacity: Accounts they can work at a time; None for any number.
        territory: A condition over an account's features.
        accounts: Ids and domains of accounts that are theirs by name.
        week: When they work.
        leave: First and last days on which they do not.
    """

    name: str
    email: str
    role: str | None
    timezone: str
    capacity: int | None
    territory: Expression | None
    accounts: tuple[str, ...] = ()
    week: WorkWeek = WorkWeek()
    leave: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """The people who work one motion, and how fast they answer.

    Attributes:
        name: Its name.
        members: Who is on it.
        assign: Who gets the next account.
        first_touch_hours: How fast they answer; None for what its motion asks.
        working_hours: Whether these are working hours.
        hand_raise_hours, hand_raise_working: The same for who asked for a person.
        fallback: Address of who takes what nobody else can.
        manager: Address of who is told of breaches.
        on_breach: What happens where nobody answered in time: `reassign` or `alert`.
    """

    name: str
    members: tuple[Member, ...] = field(default=())
    assign: str = "round_robin"
    first_touch_hours: float | None = None
    working_hours: bool = False
    hand_raise_hours: float = 1.0
    hand_raise_working: bool = True
    fallback: str | None = None
    manager: str | None = None
    on_breach: str = "reassign"
