"""Small random companies for the tests of features: events, filings, people, money."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import polars as pl
from hypothesis import strategies as st
from ruamel.yaml import YAML

from groundswell import presets
from groundswell.config.resolved import Meaning, Plan, Reader
from groundswell.config.schema import Config, FeatureDef
from groundswell.config.vocabulary import MEANINGS

NEVER = 1 << 30
START = 20_000
SPAN = 130
"""Events of a world happen on days START .. START + SPAN - 1."""


def built_ins() -> dict[str, FeatureDef]:
    """Return every shipped feature, window families written out."""
    from importlib.resources import files

    text = files(presets).joinpath("features.yaml").read_text()
    found: dict[str, FeatureDef] = {}
    for name, said in YAML(typ="safe").load(text).items():
        for window in Config().windows if "<w>" in name else [""]:
            filled = {
                key: value.replace("<w>", window) if isinstance(value, str) else value
                for key, value in said.items()
            }
            found[name.replace("<w>", window)] = FeatureDef(**filled)
    return found


def user_features() -> dict[str, FeatureDef]:
    """Return features as users declare them, beyond what the built-ins use."""
    said: dict[str, dict[str, Any]] = {
        "exports_28d": {"count": "events", "of": "Export Finished", "within": "28d"},
        "exporters_28d": {"count": "users", "of": "Export *", "within": "28d"},
        "export_days_40d": {"count": "active_days", "of": "Export *", "within": "40d"},
        "exported_30d": {"sum": "properties.size", "of": "Export Finished", "within": "30d"},
        "exported_total": {"sum": "properties.size", "of": "Export Finished"},
        "exported_before": {
            "sum": "properties.size",
            "of": ["Export Finished", "shared"],
            "within": "9d",
            "ago": "11d",
        },
        "big_exports": {"count": "events", "of": "Export Finished", "where": {"big": True}},
        "export_kinds": {
            "count": "distinct properties.deep.kind",
            "of": "Export *",
            "within": "17d",
            "ago": "5d",
        },
        "board_uses": {"count": "events", "of": "used_feature:boards", "within": "13d"},
        "zap_uses": {"count": "user_days", "of": ["used_feature:zaps", "shared"]},
        "invites_speed": {"velocity": "events", "of": "invited", "within": "14d"},
        "feature_trend": {"trend": "distinct name", "of": "used_feature", "within": "14d"},
        "enterprise_uses": {"count": "events", "of": "used_feature", "flag": "enterprise"},
        "first_invite": {"days_since": "first", "of": "invited"},
        "admin_viewers": {"count": "users", "of": "pricing_viewed", "flag": "admin"},
        "last_admin_view": {"days_since": "last", "of": "pricing_viewed", "flag": "admin"},
        "first_abandoned": {"days_since": "first", "of": "upgrade_started", "flag": "abandoned"},
        "teams_before": {"count": "teams", "within": "20d", "ago": "10d"},
        "api_workspaces": {"count": "workspaces", "of": "api_called", "within": "33d"},
        "busy": {"when": "events_7d >= 2 AND active_users_28d >= 1"},
    }
    return {name: FeatureDef(**item) for name, item in said.items()}


def meanings() -> tuple[Meaning, ...]:
    """Return matchers of every sort: globs, pages, filters, labels, literals, two on one event."""

    def plain(name: str, *events: str, **more: Any) -> Meaning:
        reads = {reader: Reader(path=reader) for reader in MEANINGS[name]}
        reads.update(more.pop("reads", {}))
        return Meaning(name, more.pop("label", None), events, **{**EMPTY, **more}, reads=reads)

    simple = (
        "signed_in", "invite_accepted", "shared", "api_key_created", "limit_hit",
        "upgrade_started", "upgrade_completed", "hand_raised", "security_asked", "admin_action",
        "support_ticket",
    )  # fmt: skip
    return (
        *(plain(name, name) for name in simple),
        plain("signed_up", "Sign*"),
        plain("activated", "Board Made"),
        plain("used_feature", "Board *", label="boards"),
        plain("used_feature", "Zap Run", label="zaps", paid=True),
        plain("used_feature", "Zap Run", "Feature Used", enterprise=True),
        plain("invited", "Invite Sent", reads={"department": Reader(path="deep.team")}),
        plain("api_called", "api", where=(("env", ("live", "true")),)),
        plain("api_called", "api2", reads={"endpoint": Reader(literal="/v2")}),
        plain("integration_connected", "Connected", reads={"name": Reader(path="provider")}),
        plain("pricing_viewed", pages=("/pricing*",)),
        plain("pricing_viewed", "Pricing Seen"),
    )


EMPTY: dict[str, Any] = {"pages": (), "where": (), "paid": False, "enterprise": False}

EVENTS = (
    "signed_in", "invite_accepted", "shared", "api_key_created", "limit_hit", "upgrade_started",
    "upgrade_completed", "hand_raised", "admin_action", "support_ticket", "Signup", "Board Made",
    "Board Seen", "Zap Run", "Feature Used", "Invite Sent", "api", "api2", "Connected", "Page",
    "Pricing Seen", "Export Finished", "Export Begun", "other",
)  # fmt: skip


def plans() -> dict[str, Plan]:
    """Return a price list with a free tier, two priced ones and one without a price."""
    return {
        "free": Plan("free", seats=2),
        "team": Plan("team", price_per_seat=Decimal("12.50"), seats=5, usage=20, term_months=1),
        "business": Plan("business", price_flat=Decimal(900), term_months=12),
        "enterprise": Plan("enterprise", talk_to_sales="only"),
    }


def loaded(features: dict[str, FeatureDef] | None = None) -> SimpleNamespace:
    """Return what a loaded configuration offers to features."""
    config = Config.model_validate({"market": {"tech_stack": ["snowflake", "Okta"]}})
    every = {**built_ins(), **user_features()} if features is None else features
    return SimpleNamespace(config=config, meanings=meanings(), features=every, plans=plans())


@dataclass
class World:
    """A company's facts, written down by hand: days are integers."""

    events: list[dict[str, Any]]
    filings: list[dict[str, int]]
    accounts: int
    people: int
    members: list[dict[str, int]]
    merges: list[dict[str, int]]
    users: list[dict[str, Any]] = field(default_factory=list)
    roles: list[dict[str, Any]] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    opportunities: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[dict[str, Any]] = field(default_factory=list)

    @property
    def filing(self) -> SimpleNamespace:
        """The frames that identity would make."""
        whole = pl.Int32
        names = ("actor", "from_day", "until_day", "account", "person", "visible", "hidden")
        spans = ("account", "person", "since", "until")
        merged = ("account", "into", "since", "until")
        return SimpleNamespace(
            filings=pl.DataFrame(self.filings, schema=dict.fromkeys(names, whole)),
            members=pl.DataFrame(self.members, schema=dict.fromkeys(spans, whole)),
            merges=pl.DataFrame(self.merges, schema=dict.fromkeys(merged, whole)),
            accounts=pl.DataFrame(
                {
                    "account": range(self.accounts),
                    "account_id": [f"a{i}" for i in range(self.accounts)],
                    "domain": [f"a{i}.example" if i % 3 else None for i in range(self.accounts)],
                    "is_free_mail": [i == 1 for i in range(self.accounts)],
                    "free_mail_since": [
                        START + 5 if i == 1 else None for i in range(self.accounts)
                    ],
                    "parent_id": [None] * self.accounts,
                    "since": [START + 7 * i for i in range(self.accounts)],
                },
                schema_overrides={"account": whole, "since": whole, "free_mail_since": whole},
            ),
            persons=pl.DataFrame(
                {"person": range(self.people), "user_id": [f"u{i}" for i in range(self.people)]},
                schema={"person": whole, "user_id": pl.String},
            ),
        )


def instant(day: int, second: int = 0) -> datetime:
    """Return an instant of a day."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, seconds=second)


def day_of(moment: datetime | None) -> int | None:
    """Return the day of an instant."""
    return None if moment is None else (moment - datetime(1970, 1, 1, tzinfo=UTC)).days


def workspace_of(actor: int) -> str | None:
    """Return the workspace that an actor's events name."""
    return None if actor % 3 == 0 else f"w{actor % 4}"


_TEXT = {
    "name": ["boards", "Zaps", "", None],
    "provider": ["Salesforce", "okta", "Google SSO", "zap", None],
    "endpoint": ["/a", "/b", None],
    "environment": ["production", "test", None],
    "env": ["live", "dev", True, None],
    "topic": ["Pricing question", "API", "bug", None],
    "invitee_role": ["VP Sales", "engineer", None],
    "path": ["/pricing", "/pricing/team?a=1", "/docs/pricing", None],
    "url": ["https://a.example/pricing#x", "https://a.example/", None],
    "invited_by": ["u1", "", None],
    "size": [1, 2.5, "7", "none", None],
    "big": [True, False, None],
}
_TEAMS = ["Sales", "Data ", None]
_DAYS = st.integers(START, START + SPAN - 1)


@st.composite
def properties(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the properties of one event."""
    said = {name: draw(st.sampled_from(values)) for name, values in _TEXT.items()}
    deep = {"team": draw(st.sampled_from(_TEAMS)), "kind": draw(st.sampled_from(["x", "y", None]))}
    found = {name: value for name, value in {**said, "deep": deep}.items() if value is not None}
    return found if draw(st.booleans()) or draw(st.booleans()) else {}


@st.composite
def filings_of(draw: st.DrawFn, actor: int, accounts: int, people: int) -> list[dict[str, int]]:
    """Draw where the events of one actor count: at once, late, moved, merged, or by event day."""
    account, other = draw(st.integers(0, accounts - 1)), draw(st.integers(0, accounts - 1))
    person = draw(st.integers(0, people - 1))
    late, moved = draw(_DAYS), draw(_DAYS)
    base = {
        "actor": actor,
        "from_day": 0,
        "until_day": NEVER,
        "account": account,
        "person": person,
        "visible": 0,
        "hidden": NEVER,
    }
    return {
        "at once": [base],
        "late": [{**base, "visible": late}],
        "merged": [
            {**base, "hidden": moved},
            {**base, "account": other, "visible": moved},
        ],
        "un-merged": [
            {**base, "hidden": min(late, moved)},
            {**base, "account": other, "visible": min(late, moved), "hidden": max(late, moved)},
            {**base, "visible": max(late, moved)},
        ],
        "by event day": [
            {**base, "until_day": moved},
            {**base, "from_day": moved, "account": other, "visible": late},
        ],
    }[draw(st.sampled_from(["at once", "at once", "late", "merged", "un-merged", "by event day"]))]


@st.composite
def worlds(draw: st.DrawFn, *, events: int = 40) -> World:
    """Draw a world of a few accounts."""
    accounts, people, actors = draw(st.integers(1, 3)), draw(st.integers(1, 4)), 5
    filings = [f for a in range(actors) for f in draw(filings_of(a, accounts, people))]
    happened = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "actor": st.integers(0, actors - 1),
                    "event": st.sampled_from(EVENTS),
                    "day": _DAYS,
                    "second": st.sampled_from([0, 10, 40_000, 86_399]),
                    "properties": properties(),
                }
            ),
            max_size=events,
        )
    )
    span = st.tuples(_DAYS, _DAYS | st.just(NEVER)).filter(lambda pair: pair[0] < pair[1])
    member = st.tuples(st.integers(0, accounts - 1), st.integers(0, people - 1), span)
    merges = []
    if accounts > 1 and draw(st.booleans()):
        since, until = draw(span)
        merges = [{"account": 0, "into": 1, "since": since, "until": until}]
    return World(
        events=happened,
        filings=filings,
        accounts=accounts,
        people=people,
        members=[
            {"account": a, "person": p, "since": since, "until": until}
            for a, p, (since, until) in draw(st.lists(member, max_size=6))
        ],
        merges=merges,
        users=_users(draw, people),
        roles=_roles(draw, people),
        versions=_versions(draw, accounts),
        subscriptions=_subscriptions(draw, accounts),
        opportunities=_opportunities(draw, accounts),
        tickets=_tickets(draw, accounts, people),
    )


def _users(draw: st.DrawFn, people: int) -> list[dict[str, Any]]:
    return [
        {
            "user_id": f"u{person}",
            "title": draw(st.sampled_from(["Admin", "engineer", None])),
            "department": draw(st.sampled_from(_TEAMS)),
            "properties": draw(st.sampled_from(['{"role": "owner"}', None])),
            "valid_from": instant(START + 40 * number + person) if number else None,
        }
        for person in range(people)
        for number in range(draw(st.integers(0, 2)))
    ]


def _roles(draw: st.DrawFn, people: int) -> list[dict[str, Any]]:
    return [
        {
            "user_id": f"u{draw(st.integers(0, people - 1))}",
            "account_id": "a0",
            "since": instant(draw(_DAYS)),
            "properties": '{"role": "admin"}',
        }
        for _ in range(draw(st.integers(0, 1)))
    ]


def _versions(draw: st.DrawFn, accounts: int) -> list[dict[str, Any]]:
    """Draw versions of accounts in any order; two may be stated on one day."""
    moments = [instant(START + 50, 9), instant(START + 50, 70_000), instant(START + 90), None]
    return [
        {
            "account_id": f"a{account}",
            "employees": draw(st.sampled_from([12, 40, 501, None])),
            "industry": draw(st.sampled_from(["software", None])),
            "country": draw(st.sampled_from(["DE", "US"])),
            "tech_stack": draw(st.sampled_from(["Snowflake, okta", "okta,aws", None])),
            "target": draw(st.sampled_from([True, False, None])),
            "owner": draw(st.sampled_from(["rep@a.example", None])),
            "created_at": draw(st.sampled_from([instant(START - 3), instant(START + 60), None])),
            "valid_from": moment,
        }
        for account in range(accounts)
        for moment in draw(st.lists(st.sampled_from(moments), max_size=3, unique=True))
    ]


def _subscriptions(draw: st.DrawFn, accounts: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 4))):
        start = draw(_DAYS)
        end = draw(st.integers(start, START + SPAN) | st.none())
        rows.append(
            {
                "subscription_id": f"s{number}",
                "account_id": f"a{draw(st.integers(0, accounts - 1))}",
                "plan": draw(st.sampled_from(["team", "team", "business", "enterprise", "odd"])),
                "mrr": Decimal(draw(st.sampled_from(["0.00", "99.99", "120.00"]))),
                "seats": draw(st.sampled_from([3, 4, None])),
                "seat_limit": draw(st.sampled_from([4, 5, 1, None])),
                "usage_limit": draw(st.sampled_from([2, 0, None])),
                "started_at": instant(start, number),
                "ended_at": instant(end, 5) if end is not None else None,
            }
        )
        changed = {"plan": st.sampled_from(["team", "business"]), "seats": st.sampled_from([3, 9])}
        for day in draw(st.lists(_DAYS, max_size=2, unique=True)):
            terms = draw(st.fixed_dictionaries(changed))
            rows.append({**rows[-1], **terms, "valid_from": instant(day, 60)})
    return rows


def _opportunities(draw: st.DrawFn, accounts: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 3))):
        made = draw(_DAYS)
        base = {
            "opportunity_id": f"o{number}",
            "account_id": f"a{draw(st.integers(0, accounts - 1))}",
            "created_at": instant(made),
            "stage": "new",
        }
        closed = draw(st.integers(made, START + SPAN) | st.none())
        rows.append(base)
        if closed is not None:
            late = {"stage": "closed", "won": True, "valid_from": instant(closed, 60)}
            when = draw(st.sampled_from([instant(closed), None]))
            rows.insert(draw(st.sampled_from([0, len(rows)])), {**base, **late, "closed_at": when})
    return rows


def _tickets(draw: st.DrawFn, accounts: int, people: int) -> list[dict[str, Any]]:
    return [
        {
            "account_id": f"a{draw(st.integers(0, accounts - 1))}",
            "user_id": f"u{draw(st.integers(0, people - 1))}",
            "topic": draw(st.sampled_from(["billing", "api", "bug"])),
            "at": instant(draw(_DAYS)),
        }
        for _ in range(draw(st.integers(0, 3)))
    ]
