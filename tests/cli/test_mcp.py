"""`groundswell mcp`, asked by the client of the protocol's own library, as a real process."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters

from groundswell.cli.assisting import mcp
from groundswell.clock import FixedClock
from groundswell.engine import Project
from groundswell.engine.colleagues import Colleagues
from groundswell.engine.desk.desk import DOING, READING
from groundswell.engine.keys import Keys
from groundswell.errors import MissingExtraError, UsageError
from groundswell.handoff.life import DECLINE_REASONS
from tests.measuring.conftest import DAY, load
from tests.server.conftest import serving
from tests.web.site.conftest import (
    ADMIN,
    ANALYST,
    CONFIG,
    MANAGER,
    OTHER_REP,
    PASSWORD,
    REP,
    ROLES,
    company_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcp.types import CallToolResult

NOON = dt.datetime.combine(DAY, dt.time(9, 30), dt.UTC)
pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small company, computed, in which somebody of each role signs in."""
    made = tmp_path_factory.mktemp("assisted")
    (made / "groundswell.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    with Project.open(made, clock=FixedClock(NOON)) as project:
        load(project, company_rows())
        project.run()
        for email, role in ROLES.items():
            Colleagues(project.ledger, project.clock).add(email, role=role, password=PASSWORD)
    return made


@pytest.fixture(scope="module", params=["opened", "served"])
def company(request: pytest.FixtureRequest, folder: Path) -> Iterator[Assistants]:
    """Return assistants while nobody holds the project, and while a server does."""
    if request.param == "opened":
        with assisting(folder) as company:
            yield company
        return
    with (
        serving(folder, json.dumps(CONFIG), clock=FixedClock(NOON), runs=False) as served,
        assisting(folder) as company,
    ):
        served.server._announcement.make(served.url)
        yield company
        served.server._announcement.withdraw()


@dataclass
class Assistants:
    """Assistants of a company, each a process that stays until the last is asked."""

    folder: Path
    portal: BlockingPortal
    stack: ExitStack
    started: dict[tuple[str, ...], Client] = field(default_factory=dict)

    def client(self, *options: str) -> Client:
        """Return the client of an assistant, which is started the first time."""
        if options not in self.started:
            words = ["-m", "groundswell", "mcp", "--project", str(self.folder), *options]
            client = Client(StdioServerParameters(command=sys.executable, args=words))
            opened = self.portal.wrap_async_context_manager(client)
            self.started[options] = self.stack.enter_context(opened)
        return self.started[options]

    def ask(self, *options: str, tool: str, **arguments: Any) -> CallToolResult:
        """Return what an assistant was answered."""
        return self.portal.call(self.client(*options).call_tool, tool, arguments)

    def tools(self, *options: str) -> dict[str, Any]:
        """Return the tools that there are, by name."""
        found = self.portal.call(self.client(*options).list_tools).tools
        return {tool.name: tool for tool in found}


@contextmanager
def assisting(folder: Path) -> Iterator[Assistants]:
    with start_blocking_portal() as portal, ExitStack() as stack:
        yield Assistants(folder, portal, stack)


def test_every_tool_says_what_it_takes_and_returns(company):
    found = company.tools("--as", REP, "--allow-writes")
    assert set(found) == {*READING, *DOING} - {"weekly_report", "overlay_report", "sources"}
    for name, tool in (found | company.tools()).items():
        assert "Returns" in tool.description, name
        assert tool.output_schema["type"] == "object", name
        assert tool.annotations.read_only_hint is (name not in DOING), name
        told = tool.input_schema["properties"].values()
        assert all(item.get("description") for item in told), name
    reason = found["decline"].input_schema["properties"]["reason"]
    assert reason["enum"] == list(DECLINE_REASONS)
    assert found["queue"].input_schema["properties"]["limit"]["maximum"] == 50


def test_only_who_may_work_handoffs_is_given_the_tools(company):
    assert set(company.tools()) == set(READING)
    assert set(company.tools("--as", ANALYST)) == set(READING)


@pytest.mark.parametrize(
    ("who", "hidden"),
    [
        (None, set()),
        (REP, {"weekly_report", "overlay_report", "sources"}),
        (MANAGER, {"sources"}),
        (ANALYST, set(DOING)),
        (ADMIN, set()),
    ],
)
def test_each_role_is_offered_what_it_sees_on_the_pages(folder, who, hidden):
    with Project.open(folder, clock=FixedClock(NOON)) as project:
        offered = set(project.desk.admit(who).tools)
    everything = set(READING) | (set(DOING) if who is not None else set())
    assert offered == everything - hidden


def test_what_a_rep_asks_is_answered_of_their_accounts(company):
    rep = partial(company.ask, "--as", REP, "--allow-writes")
    queue = rep(tool="queue", limit=50)
    told = queue.structured_content
    assert told["count"] == len(told["handoffs"]) > 0
    assert {row["owner"] for row in told["handoffs"]} == {REP}
    first = told["handoffs"][0]
    assert first["why_now"]
    assert first["handoff_id"] in queue.content[0].text
    assert queue.content[0].text.startswith(f"{told['count']} wait")

    named = first["account_id"]
    brief = rep(tool="account", account=named).structured_content
    assert brief["brief"]["account_id"] == named
    assert brief["handoff"]["handoff_id"] == first["handoff_id"]
    said = rep(tool="explain", account=named, as_of=str(DAY)).structured_content
    assert said["as_of"] == str(DAY)
    assert said["rule"]
    assert 0 < len(said["gave"]) <= 8
    points = [item["points"] for item in said["gave"]]
    assert points == sorted(points, reverse=True)
    line = rep(tool="timeline", account=named, limit=3).structured_content
    assert 0 < len(line["happened"]) <= 3
    found = rep(tool="find_accounts", search=named, limit=1).structured_content
    assert found["accounts"][0]["account_id"] == named


def test_why_is_told_as_of_an_earlier_day(company):
    queue = company.ask(tool="queue", limit=1).structured_content
    named = queue["handoffs"][0]["account_id"]
    now = company.ask(tool="explain", account=named).structured_content
    before = company.ask(tool="explain", account=named, as_of="2026-06-01").structured_content
    assert (now["as_of"], before["as_of"]) == (str(DAY), "2026-06-01")
    assert (now["hand_over"], now["guardrails"]) == (True, [])
    assert not before["hand_over"]
    assert before["guardrails"][0]["reason"] in before["reason"]
    unknown = company.ask(tool="explain", account=named, as_of="2026-03-01")
    assert unknown.content[0].text.startswith("[nothing-known]")


def test_what_another_has_is_told_as_what_there_is_not(company):
    rep = partial(company.ask, "--as", REP, "--allow-writes")
    everything = company.ask(tool="queue", limit=50).structured_content["handoffs"]
    other = next(row for row in everything if row["owner"] == OTHER_REP)
    for name in (other["account_id"], "nobody-at-all"):
        for tool in ("explain", "account", "timeline"):
            answer = rep(tool=tool, account=name)
            assert answer.is_error
            assert answer.content[0].text.startswith(f"[not-seen] There is no account `{name}`")
    for handoff in (other["handoff_id"], other["account_id"], "nobody-at-all"):
        step = rep(tool="accept", handoff=handoff)
        assert step.is_error
        assert step.content[0].text.startswith(f"[not-seen] There is no handoff `{handoff}`")
    listed = rep(tool="find_accounts", limit=50).structured_content["accounts"]
    assert other["account_id"] not in {row["account_id"] for row in listed}
    seen = company.ask(tool="find_accounts", limit=50).structured_content["accounts"]
    assert other["account_id"] in {row["account_id"] for row in seen}


def test_an_account_that_there_is_not_is_said_to_who_sees_all(company):
    answer = company.ask(tool="account", account="nobody-at-all")
    assert answer.is_error
    assert answer.content[0].text.startswith(
        "[account-unknown] There is no account `nobody-at-all`"
    )
    assert company.ask(tool="queue", limit=500).is_error


def test_an_analyst_is_not_told_who_people_are(company):
    analyst = partial(company.ask, "--as", ANALYST)
    wanted = [r["account_id"] for r in analyst(tool="queue").structured_content["handoffs"]]
    answers = [analyst(tool="account", account=one).structured_content for one in wanted]
    people = [person for one in answers for person in one["brief"]["people"]]
    assert people
    assert {person["user_id"].split()[0] for person in people} == {"person"}
    assert {(person["name"], person["email"]) for person in people} == {(None, None)}


def test_reports_and_sources_are_told_as_a_verdict(company):
    analyst = partial(company.ask, "--as", ANALYST)
    week = analyst(tool="weekly_report").structured_content
    assert week["as_of"] == str(DAY)
    assert week["verdict"]
    overlay = analyst(tool="overlay_report")
    assert overlay.structured_content["why"]
    assert overlay.content[0].text.startswith(overlay.structured_content["title"])
    (source,) = analyst(tool="sources").structured_content["sources"]
    assert source["events"] > 0


def test_a_handoff_is_worked_in_the_name_of_who_it_is(company):
    rep = partial(company.ask, "--as", REP, "--allow-writes")
    rows = rep(tool="queue", limit=50).structured_content["handoffs"]
    first, second = [row for row in rows if row["state"] == "assigned"][:2]
    touched = rep(tool="log_touch", handoff=first["handoff_id"], note="Wrote to them.")
    assert touched.structured_content["state"] == "working"
    assert touched.structured_content["owner"] == REP
    slept = rep(tool="snooze", handoff=second["account_id"], days=3)
    assert slept.structured_content["state"] == "snoozed"
    for refused in (
        rep(tool="snooze", handoff=first["handoff_id"], days=300),
        rep(tool="decline", handoff=first["handoff_id"]),
        rep(tool="reassign", handoff=first["handoff_id"], to=OTHER_REP),
    ):
        assert refused.is_error
    wrong = rep(tool="decline", handoff=first["handoff_id"], reason="no_mood")
    assert "[handoff-reason]" in wrong.content[0].text
    assert audit(company.folder, REP)[:2] == [
        ("handoff.snooze", second["handoff_id"], "mcp"),
        ("handoff.touch", first["handoff_id"], "mcp"),
    ]


def test_who_only_looks_on_does_nothing_by_another_way_either(folder):
    with Project.open(folder, clock=FixedClock(NOON)) as project:
        handoff = project.handoffs.queue()[0].handoff_id
        with pytest.raises(UsageError, match="desk-may-not"):
            project.desk.step(handoff, "accept", who=ANALYST)
        with pytest.raises(UsageError, match="desk-action"):
            project.desk.step(handoff, "won", who=REP)


def audit(folder: Path, who: str) -> list[tuple[str, str, str]]:
    """Return what somebody did, the latest first."""
    with Keys.open(folder) as keys:
        entries = Colleagues(keys.ledger, keys.clock).audit(who=who)
    return [(entry.action, entry.about, entry.address) for entry in entries]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--allow-writes"], "[mcp-nobody]"),
        (["--allow-writes", "--as", ANALYST], "[mcp-nobody]"),
        (["--as", "nobody@ours.example"], "[colleague-unknown]"),
    ],
)
def test_it_does_not_begin_in_the_name_of_who_may_not(folder, options, said):
    done = run(folder, *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "groundswell", "mcp", "--project", str(folder), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_who_is_locked_out_is_answered_no_more(folder):
    def lock(*, out: bool) -> None:
        with Keys.open(folder) as keys:
            known = Colleagues(keys.ledger, keys.clock)
            (known.disable if out else known.enable)(OTHER_REP, by=ADMIN)

    with assisting(folder) as company:
        before = company.ask("--as", OTHER_REP, tool="queue")
        lock(out=True)
        after = company.ask("--as", OTHER_REP, tool="queue")
        lock(out=False)
    assert not before.is_error
    assert after.is_error
    assert "[colleague-disabled]" in after.content[0].text


def test_without_the_library_it_says_what_to_install(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    monkeypatch.delitem(sys.modules, "groundswell.mcp", raising=False)
    with pytest.raises(MissingExtraError) as raised:
        mcp(project=folder)
    assert raised.value.problems[0].fix == "pip install 'groundswell[mcp]'"
