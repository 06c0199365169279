"""A person is forgotten: nothing names them any more, and their account is counted as before."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal
from sqlglot import exp

from groundswell.api.client import Address, Client
from groundswell.cli.forgetting import forget
from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.engine.forgetting.rows import TITLES, plain_title
from groundswell.errors import StoreError, UsageError
from groundswell.features.wording import is_admin, is_senior
from groundswell.model import Kind, as_plain
from groundswell.store.erasing import Names
from groundswell.store.known import KnownFacts
from groundswell.store.ledger import JournalEntry
from groundswell.store.outbox import KeptDelivery
from tests.measuring.conftest import DAY, OPEN, at, rows
from tests.server.conftest import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = dt.datetime.combine(DAY, dt.time(9, 30), dt.UTC)
USER, EMAIL, NAME = "jane-8842", "Jane.Doe@Firm7.example", "Jane Doe-Smithé"
DEVICE, SHARED = "device-jane-own", "device-of-all"
SECRETS = (USER, EMAIL.lower(), NAME.lower(), DEVICE, "smithé", "smith\\u00e9", "+49 170 555")
OTHER = "mary-jane.doe@firm7.example"
ACCOUNT = "a07"
NUMBERS = itertools.count()
CONFIG: dict[str, Any] = {
    **OPEN,
    "events": {
        "signed_up": "Signed Up",
        "activated": "Made",
        "hand_raised": "Asked",
        "invited": "Invite Sent",
        "limit_hit": {"event": "Limit Reached", "kind": "properties.limit"},
    },
    "features": {
        "invitees": {"count": "distinct properties.invitee", "of": "Invite Sent", "within": "90d"},
        "spent": {"sum": "properties.amount", "of": "Paid", "within": "90d"},
    },
}


def facts() -> dict[str, list[dict[str, Any]]]:
    """Return the facts of a company in which Jane is a champion, an admin and an invitee."""
    found = rows()
    found["accounts"][7]["domain"] = "firm7.example"

    def event(n: int, name: str, **told: Any) -> dict[str, Any]:
        own = {"message_id": f"{USER}-{n}", "user_id": USER, "event": name, "timestamp": at(n % 40)}
        return {**own, "account_id": ACCOUNT, **told}

    secret = {"email": EMAIL, "message": f"Call {NAME} at +49 170 555", "phone": "+49 170 555"}
    found["events"] += [
        event(1, "Asked", properties=secret),
        *(
            event(n, "Looked", anonymous_id=DEVICE, properties={"ip": "10.9.8.7"})
            for n in range(2, 30)
        ),
        event(31, "Looked", anonymous_id=SHARED),
        event(32, "Looked", anonymous_id=DEVICE, user_id=None, account_id=None),
        event(33, "Paid", properties={"amount": 12.5, "card": NAME}),
        event(34, "Limit Reached", properties={"limit": "boards", "who": EMAIL}),
        event(35, "Invite Sent", properties={"invitee": "new@firm7.example"}),
        {
            "message_id": "of-another",
            "user_id": "u7",
            "anonymous_id": SHARED,
            "account_id": ACCOUNT,
            "event": "Invite Sent",
            "timestamp": at(3),
            "properties": {"invitee": EMAIL, "note": f"for {NAME}"},
        },
    ]
    jane = {"user_id": USER, "email": EMAIL, "name": NAME, "department": "Ops"}
    own = {"role": "admin", "phone": "+49 170 555"}
    found["users"] = [
        {**jane, "title": "VP of Wombats", "properties": own, "valid_from": at(90)},
        {**jane, "title": "Chief Wombat Officer", "valid_from": at(30)},
        {"user_id": "u7", "email": OTHER, "name": "Mary", "valid_from": at(90)},
    ]
    found["memberships"] = [
        {"user_id": USER, "account_id": ACCOUNT, "since": at(90), "properties": {"role": "owner"}}
    ]
    touch = {"account_id": ACCOUNT, "user_id": USER, "rep": "ann@ours.example", "kind": "call"}
    found["touches"] += [
        {**touch, "at": at(12), "properties": {"said": f"{NAME} is keen"}},
        {**touch, "at": at(12), "properties": {"said": "again"}},
    ]
    ticket = {"account_id": ACCOUNT, "user_id": USER, "topic": "sso", "at": at(4)}
    found["tickets"].append({**ticket, "properties": {"text": f"{EMAIL} cannot sign in"}})
    return found


def load(project: Project, told: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    """Load facts by kind; return what was added of each."""
    added: dict[str, int] = {}
    for kind, some in told.items():
        path = project.root / f"{kind}.jsonl"
        path.write_text("\n".join(map(json.dumps, some)) + "\n", encoding="utf-8")
        (report,) = project.load(kind, [path])
        added[kind] = report.added
    return added


def fill_ledger(project: Project) -> None:
    """Put what names Jane into every table of the ledger that may."""
    bad = {"user_id": USER, "email": EMAIL, "event": "Looked", "timestamp": "no day"}
    path = project.root / "bad.jsonl"
    path.write_text(json.dumps(bad) + "\n", encoding="utf-8")
    (report,) = project.load("events", [path])
    assert report.rejected == 1
    body = {"company": {"account_id": ACCOUNT, "name": "Firm 7"}, "email": EMAIL, "name": NAME}
    kept = {"destination": "crm", "account_id": ACCOUNT, "handoff_id": None, "made_at": NOW}
    project.ledger.add_deliveries(
        [
            KeptDelivery(key="c1", kind="contact", body=body, due_at=NOW, **kept),
            KeptDelivery(
                key="n1",
                kind="note",
                body={"text": f"Hello {NAME}, of {EMAIL}."},
                due_at=NOW,
                **kept,
            ),
        ]
    )
    project.ledger.dismiss_offer(
        [USER, f"anon:{DEVICE}"], "human", offer="human", at=NOW, until=NOW + dt.timedelta(days=9)
    )
    told = {"sentence": f"{NAME} went quiet", "champion": {"user_id": USER, "email": EMAIL}}
    project.ledger.append_journal(
        [JournalEntry(f"champion:{USER}", ACCOUNT, "champion", NOW, DAY, told)]
    )


@pytest.fixture
def opened(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    config, environ = dict(CONFIG), {}
    if getattr(request, "param", "duckdb") == "postgres":
        server = request.getfixturevalue("postgres")
        names = [f"{kept}_{next(NUMBERS)}" for kept in ("forgetting", "forgetting_ledger")]
        config |= {"warehouse": "${WAREHOUSE}", "ledger": "${LEDGER}"}
        environ = dict(zip(("WAREHOUSE", "LEDGER"), map(server.create, names), strict=True))
    (tmp_path / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
    with Project.open(tmp_path, clock=FixedClock(NOW), environ=environ) as project:
        load(project, facts())
        project.run()
        fill_ledger(project)
        yield project


engines = pytest.mark.parametrize(
    "opened",
    ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
)


def everything(project: Project) -> str:
    """Return all that the stores hold, as one text."""
    with project.warehouse.erasing() as eraser:  # pyright: ignore[reportAttributeAccessIssue]
        tables = sorted({table for table, _ in eraser.texts()})
        told = [eraser.ask(exp.select("*").from_(name)).to_pylist() for name in tables]
    engine = project.ledger._engine  # pyright: ignore[reportAttributeAccessIssue]
    with engine.connect() as connection:
        for name in sa.inspect(engine).get_table_names():
            rows = connection.execute(sa.text(f"SELECT * FROM {name}")).mappings().all()
            told.append([dict(row) for row in rows])
    return "\n".join([repr(told), json.dumps(told, default=str, ensure_ascii=False)]).lower()


def held(text: str) -> list[str]:
    """Return what of Jane stands in a text; another's address ends like hers."""
    others = text.lower().replace(OTHER, "")
    return [secret for secret in SECRETS if secret.lower() in others]


@engines
def test_nothing_names_them_any_more_and_the_account_is_counted_as_before(opened):
    before = opened.features(DAY, weeks=20)
    decided = opened.explain(ACCOUNT, as_of=DAY)
    assert set(SECRETS) - set(held(everything(opened))) <= {"smith\\u00e9"}
    report = opened.forget(EMAIL.upper())
    assert report.known
    assert report.pseudonym.startswith("forgotten-")
    assert held(everything(opened)) == []
    assert_frame_equal(opened.features(DAY, weeks=20), before)
    again = opened.explain(ACCOUNT, as_of=DAY)
    assert (again.score, again.decision.hand_over) == (decided.score, decided.decision.hand_over)
    assert OTHER in everything(opened)
    opened.run()
    assert_frame_equal(opened.features(DAY, weeks=20), before)
    assert held(everything(opened)) == []


@engines
def test_what_is_counted_stays_and_what_is_not_goes(opened):
    opened.forget(USER)
    name = opened.warehouse.read(Kind.MEMBERSHIPS)["user_id"][0]
    assert name.startswith("forgotten-")
    users = opened.warehouse.read(Kind.USERS).filter(user_id=name)
    assert users["name"].to_list() == [None] * users.height
    assert set(users["email"]) == {f"{name}@firm7.example"}
    assert set(users["title"]) == {"Director"}
    events = opened.warehouse.read(Kind.EVENTS).filter(user_id=name)
    assert events.height == 33
    kept = {e: p for e, p in events.select("event", "properties").iter_rows() if p}
    assert {name: json.loads(told) for name, told in kept.items()} == {
        "Paid": {"amount": 12.5},
        "Limit Reached": {"limit": "boards"},
        "Invite Sent": {"invitee": "new@firm7.example"},
    }
    assert opened.warehouse.read(Kind.TOUCHES).filter(user_id=name).height == 2
    actors = opened.warehouse.actors()
    assert SHARED in actors["anonymous_id"].to_list()
    assert DEVICE not in actors["anonymous_id"].to_list()
    contact, note = sorted(
        opened.ledger.deliveries(account_id=ACCOUNT, limit=None), key=lambda d: d.key
    )
    assert (contact.status, contact.reason) == ("dead", "The person was forgotten.")
    assert note.body == {"text": f"Hello {name}, of {name}@firm7.example."}
    assert opened.rejects() == []
    (entry,) = opened.journal(kind="forgotten")
    assert entry.body["rows"]["users"] == 2
    assert opened.ledger.dismissed_offers([USER], at=NOW) == {}


@engines
def test_they_are_not_brought_back_by_loading_the_same_again(opened):
    before = opened.features(DAY, weeks=20)
    opened.forget(USER)
    assert set(load(opened, facts()).values()) == {0}
    fill = {"user_id": "jane-again", "email": EMAIL, "name": NAME}
    assert load(opened, {"users": [fill]}) == {"users": 0}
    bad = {"user_id": USER, "event": "Looked", "timestamp": "no day"}
    path = opened.root / "bad.jsonl"
    path.write_text(json.dumps(bad) + "\n", encoding="utf-8")
    assert opened.load("events", [path])[0].rejected == 0
    assert held(everything(opened)) == []
    assert_frame_equal(opened.features(DAY, weeks=20), before)


@engines
def test_forgetting_again_changes_nothing(opened):
    first = opened.forget(USER)
    version, journal = opened.warehouse.version(), opened.journal()
    for name in (USER, EMAIL):
        second = opened.forget(name)
        assert (second.known, second.before, second.pseudonym) == (False, True, None)
    assert (opened.warehouse.version(), opened.journal()) == (version, journal)
    nobody = opened.forget("nobody-at-all")
    assert (nobody.known, nobody.before) == (False, False)
    assert first.known


@engines
def test_a_dry_run_says_what_would_be_and_changes_nothing(opened):
    version, told = opened.warehouse.version(), everything(opened)
    report = opened.forget(USER, dry_run=True)
    assert report.warehouse["events"] == 34
    assert report.warehouse["users"] == 2
    assert report.ledger["deliveries"] == 2
    assert report.pseudonym is None
    assert (opened.warehouse.version(), everything(opened)) == (version, told)


@engines
def test_an_export_holds_every_row(opened):
    found = opened.export_person(EMAIL)
    assert len(found["events"]) == 34
    assert {row["event"] for row in found["events"]} >= {"Asked", "Looked", "Paid"}
    assert {row["name"] for row in found["users"]} == {NAME}
    assert [len(found[name]) for name in ("users", "memberships", "touches", "tickets")] == [
        2,
        1,
        2,
        1,
    ]
    assert {"journal", "deliveries", "rejects", "offer_dismissals"} <= set(found)
    assert json.loads(json.dumps(found, default=str))
    assert opened.forget(EMAIL, dry_run=True).warehouse["events"] == 34
    opened.forget(EMAIL)
    assert opened.export_person(EMAIL) == {}


def test_no_kept_file_holds_them(opened):
    opened.forget(USER)
    opened.close()
    for path in (opened.root / ".groundswell").rglob("*"):
        if path.is_file():
            assert held(path.read_bytes().decode("latin-1")) == [], path
    with Project.open(opened.root, clock=FixedClock(NOW)) as again:
        assert again.warehouse.read(Kind.USERS).height == 3
        assert held(everything(again)) == []


@pytest.mark.loopback
def test_while_a_server_follows_it_counts_on_as_before(opened):
    before = opened.explain(ACCOUNT, as_of=DAY)
    opened.close()
    with serving(opened.root, json.dumps(CONFIG), clock=FixedClock(NOW)) as served:
        project, client = served.project, Client(Address(served.url, served.token))
        told = client.export_person(EMAIL)
        assert len(told["events"]) == 34
        report = client.forget(EMAIL)
        assert report.known
        assert client.forget(EMAIL).before
        assert held(everything(project)) == []
        again = client.explain(ACCOUNT)
        assert (again.score, again.features) == (before.score, before.features)
        assert held(json.dumps(as_plain(client.brief(ACCOUNT)))) == []
        with project.warehouse.erasing() as eraser:  # pyright: ignore[reportAttributeAccessIssue]
            actor = exp.select("actor").from_("actors").where("user_id = 'u7'")
            assert eraser.ask(actor).num_rows > 0
    for path in (opened.root / ".groundswell").rglob("*"):
        if path.is_file():
            assert held(path.read_bytes().decode("latin-1")) == [], path


def test_somebody_of_ours_is_not_forgotten_so(opened):
    load(opened, {"users": [{"user_id": "rep", "email": "Ann@ours.example"}]})
    with pytest.raises(UsageError, match="forget-colleague"):
        opened.forget("rep")


def test_an_account_of_one_is_renamed_with_its_person(tmp_path):
    config = {**CONFIG, "identity": {"solo_accounts": True}}
    (tmp_path / "groundswell.yaml").write_text(json.dumps(config), encoding="utf-8")
    with Project.open(tmp_path, clock=FixedClock(NOW)) as project:
        solo = {"user_id": "solo-99", "email": "solo.one@gmail.com", "name": "Solo Onesson"}
        event = {"message_id": "m1", "user_id": "solo-99", "event": "Made", "timestamp": at(9)}
        load(project, {**facts(), "users": [solo], "events": [event]})
        project.run()
        before = project.features(DAY).filter(account_id="solo:solo-99").drop("account_id")
        assert before.height == 1
        report = project.forget("solo.one@gmail.com")
        assert report.files
        after = project.features(DAY).filter(account_id=f"solo:{report.pseudonym}")
        assert_frame_equal(after.drop("account_id"), before)
        told = everything(project)
        assert [s for s in ("solo-99", "solo.one", "onesson") if s in told] == []
        assert f"solo:{report.pseudonym}" in {row.account_id for row in project.accounts()}


def test_a_spark_warehouse_says_that_it_cannot(opened, monkeypatch):
    monkeypatch.setattr(opened, "warehouse", KnownFacts(opened.warehouse, NOW))
    with pytest.raises(StoreError, match="forget-warehouse"):
        opened.forget(USER)


@pytest.mark.parametrize(
    "title",
    ["VP", "Chief of Staff", "Admin", "IT Administrator", "Owner", "Intern", "Head of IT", None],
)
def test_a_plain_title_is_as_senior_as_the_one_before(title):
    plain = plain_title(title)
    assert (is_senior(plain), is_admin(plain)) == (is_senior(title), is_admin(title))
    assert plain in {*TITLES, None}


@pytest.mark.parametrize(
    ("text", "key", "becomes"),
    [
        ("Write to Jane Doe (jane@x.example).", "", "Write to P (P@x.example)."),
        ("mary-jane@x.example", "", "mary-jane@x.example"),
        ("jane@x.example.org", "", "jane@x.example.org"),
        ("JANE@X.EXAMPLE", "email", "P@x.example"),
        ("42", "user_id", "P2"),
        ("42", "account_id", "42"),
        ("42 seats", "text", "42 seats"),
        ("solo:42", "account_id", "solo:P2"),
        ('{"user_id": 42, "n": 42}', "properties", '{"user_id": "P2", "n": 42}'),
        ("jane%40x.example", "", "P%40x.example"),
        ("u-jane-7", "account_id", "u-jane-7"),
        ("by u-jane-7 today", "text", "by P today"),
    ],
)
def test_what_names_them_is_told_from_what_does_not(text, key, becomes):
    names = Names(
        "P", {"u-jane-7": "P", "42": "P2"}, {"jane@x.example": "P@x.example"}, ("Jane Doe",)
    )
    assert names.rewrite(text, key) == becomes
    assert names.mentions(text, key) is (text != becomes)
    assert as_plain(names.rewrite_json({"a": [text]})) is not None


def test_the_command_tells_counts_and_never_the_person(opened, capsys):
    opened.close()
    forget("jane-8842", dry_run=True, project=opened.root)
    told = capsys.readouterr()
    assert "34 rows of events in the warehouse" in told.out
    assert "Nothing was erased" in told.err
    forget(EMAIL, export=True, project=opened.root)
    assert len(json.loads(capsys.readouterr().out)["events"]) == 34
    forget(EMAIL, project=opened.root, json=True)
    assert json.loads(capsys.readouterr().out)["known"]
    forget(EMAIL, project=opened.root)
    told = capsys.readouterr()
    assert "They were forgotten before." in told.err
    assert held(told.out + told.err) == []
