"""The kinds of account in the demo company: the documented truth, as a table.

Nothing that the product loads says which kind an account is; `truth.parquet` does, and only the
tests and the reader of docs/concepts/demo-company.md look at it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Archetype:
    """How one kind of account lives.

    Attributes:
        name: As written in truth.parquet.
        share: Share of all accounts.
        people: Median, log-spread and most people of a team.
        employees: Median and log-spread of the company's size.
        presence: Lowest and highest chance that a person is active on a working day.
        burst: Events of a person on an active day, on average.
        fade: Days in which use falls to a third; 0 when it does not fade.
        joining: Days over which people join after signup, 0 for "until the moment"; and the
            a and b of the Beta distribution of their joining.
        lift: How much more often people come as the moment nears (1.0 = twice as often).
        moment: Earliest and latest day, after signup, of what the story leads up to.
        current: Share whose moment comes about the end of the history instead, and the first and
            last day of that, counted from the end: those who are in the queue on the last day.
        signup: a and b of the Beta distribution of the signup day over the whole history.
        activated: Share that reaches the aha action.
        personal: Share that signs up with a personal address.
        pays: Share that becomes paying in the end.
        lag: Earliest and latest day of paying, after the moment.
        plans: Chances of team, business and enterprise once paying.
        mixes: Chances of each kind of user (see `catalogue.MIXES`).
        why: What truth.parquet says.
    """

    name: str
    share: float
    why: str
    people: tuple[float, float, int]
    employees: tuple[float, float]
    presence: tuple[float, float]
    burst: float
    mixes: dict[str, float]
    fade: float = 0.0
    joining: tuple[int, float, float] = (120, 1.0, 2.0)
    lift: float = 0.0
    moment: tuple[int, int] = (1, 30)
    current: tuple[float, int, int] = (0.0, 0, 0)
    signup: tuple[float, float] = (1.2, 1.0)
    activated: float = 0.9
    personal: float = 0.0
    pays: float = 0.0
    lag: tuple[int, int] = (0, 0)
    plans: tuple[float, float, float] = (1.0, 0.0, 0.0)


_TEAM = {"viewer": 0.45, "maker": 0.45, "developer": 0.1}
_PAID_TEAM = {"viewer": 0.35, "maker": 0.1, "paid_maker": 0.45, "developer": 0.1}

ARCHETYPES: tuple[Archetype, ...] = (
    Archetype(
        name="dormant",
        share=0.22,
        why="Signed up, looked round, never came back.",
        people=(1.2, 0.4, 4),
        employees=(30, 1.3),
        presence=(0.15, 0.4),
        burst=2.0,
        fade=4.0,
        mixes={"viewer": 0.8, "maker": 0.2},
        activated=0.25,
        personal=0.35,
    ),
    Archetype(
        name="tyre_kicker",
        share=0.28,
        why="Tried a lot in the first weeks, looked at prices, needed nothing.",
        people=(1.8, 0.5, 6),
        employees=(40, 1.4),
        presence=(0.3, 0.6),
        burst=2.5,
        fade=20.0,
        mixes=_TEAM,
        activated=0.75,
        personal=0.2,
        moment=(3, 40),
    ),
    Archetype(
        name="hobbyist",
        share=0.12,
        why="One person with a personal address, content with the free plan.",
        people=(1.0, 0.0, 1),
        employees=(1, 0.0),
        presence=(0.2, 0.5),
        burst=2.5,
        mixes={"maker": 0.8, "viewer": 0.2},
        personal=1.0,
    ),
    Archetype(
        name="steady_payer",
        share=0.11,
        why="Bought a plan that fits and uses it; nothing to sell now.",
        people=(10, 0.6, 60),
        employees=(120, 0.9),
        presence=(0.15, 0.45),
        burst=2.8,
        joining=(300, 1.0, 1.6),
        mixes=_PAID_TEAM,
        moment=(12, 60),
        signup=(1.0, 1.9),
        pays=1.0,
        plans=(0.86, 0.13, 0.01),
    ),
    Archetype(
        name="will_convert",
        share=0.09,
        why="The team adopts it, hits the limits, reads the prices, then pays.",
        people=(14, 0.35, 30),
        employees=(140, 0.8),
        presence=(0.4, 0.7),
        burst=3.0,
        joining=(0, 2.2, 1.0),
        lift=0.8,
        mixes={"viewer": 0.3, "maker": 0.45, "paid_maker": 0.15, "developer": 0.1},
        moment=(30, 150),
        current=(0.22, 1, 15),
        signup=(1.3, 1.0),
        activated=1.0,
        pays=1.0,
        plans=(0.85, 0.15, 0.0),
    ),
    Archetype(
        name="only_large",
        share=0.04,
        why="A big company with a handful of idle users: size without need.",
        people=(3, 0.5, 9),
        employees=(4000, 0.8),
        presence=(0.05, 0.12),
        burst=1.8,
        fade=120.0,
        mixes={"viewer": 0.9, "maker": 0.1},
        activated=0.6,
        moment=(10, 120),
    ),
    Archetype(
        name="only_busy",
        share=0.03,
        why="One power user or a script, all day long; nobody means to buy.",
        people=(1.2, 0.3, 2),
        employees=(3, 0.8),
        presence=(0.75, 0.95),
        burst=9.0,
        mixes={"maker": 1.0},
        activated=1.0,
        personal=0.4,
        moment=(20, 200),
    ),
    Archetype(
        name="hand_raiser",
        share=0.03,
        why="Asks for a person: contact sales, a demo, a quote.",
        people=(6, 0.6, 20),
        employees=(220, 1.0),
        presence=(0.25, 0.55),
        burst=2.6,
        joining=(0, 1.6, 1.0),
        lift=0.3,
        mixes=_TEAM,
        moment=(4, 120),
        current=(0.25, -20, -1),
        signup=(1.4, 1.0),
        activated=0.95,
        pays=0.45,
        lag=(14, 60),
        plans=(0.4, 0.5, 0.1),
    ),
    Archetype(
        name="champion_churn",
        share=0.03,
        why="Paid while one champion carried it; the champion left, and the account with them.",
        people=(9, 0.4, 25),
        employees=(150, 0.8),
        presence=(0.25, 0.5),
        burst=2.8,
        mixes=_PAID_TEAM,
        joining=(60, 1.0, 1.5),
        moment=(15, 50),
        signup=(1.0, 1.5),
        activated=1.0,
        pays=1.0,
    ),
    Archetype(
        name="enterprise_shaped",
        share=0.02,
        why="Several teams of a large company; asks for SSO, security papers and a contract.",
        people=(34, 0.5, 120),
        employees=(2600, 0.6),
        presence=(0.25, 0.5),
        burst=3.0,
        joining=(0, 1.8, 1.0),
        lift=0.5,
        mixes={"viewer": 0.4, "maker": 0.3, "paid_maker": 0.12, "developer": 0.1, "admin": 0.08},
        moment=(60, 150),
        current=(0.3, -18, 4),
        signup=(1.6, 1.3),
        activated=1.0,
        pays=0.6,
        lag=(40, 120),
        plans=(0.0, 0.2, 0.8),
    ),
    Archetype(
        name="expansion_ready",
        share=0.03,
        why="Pays, grows, and has sat at 80% or more of its seats for two months.",
        people=(24, 0.5, 49),
        employees=(380, 0.7),
        presence=(0.3, 0.55),
        burst=3.0,
        joining=(0, 1.4, 1.0),
        lift=0.3,
        mixes=_PAID_TEAM,
        moment=(120, 300),
        signup=(1.0, 2.4),
        activated=1.0,
        pays=1.0,
        plans=(0.9, 0.1, 0.0),
    ),
)

NUMBER = {archetype.name: index for index, archetype in enumerate(ARCHETYPES)}
