"""A brief asked for by hand of an account that nobody may contact says so, in every form."""

from __future__ import annotations

import json

import pytest

from groundswell.cli import main
from groundswell.engine.deciding import BARRED
from groundswell.engine.handing.gathering import PEOPLE

FORMS = ("text", "markdown", "html", "slack", "json")


@pytest.fixture
def write(monkeypatch, capsys):
    """Call `groundswell brief` and return what it printed."""

    def call(project, account: str, form: str) -> str:
        words = ["groundswell", "brief", account, "--format", form, "--as-of", "2026-03-04"]
        monkeypatch.setattr("sys.argv", [*words, "--project", str(project.root)])
        with pytest.raises(SystemExit, match="0"):
            main()
        return capsys.readouterr().out

    return call


@pytest.fixture
def barred(company):
    """A project in which one account is listed, one was barred by a CRM, and one is neither."""
    project = company(3, guardrails={"do_not_contact": ["a00000"]})
    project.run()
    project.ledger.remember(BARRED, {"a00001": "hubspot"})
    return project


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("account", "who"), [("a00000", "guardrails.do_not_contact"), ("a00001", "hubspot")]
)
def test_every_form_says_it_and_has_no_opening_line(barred, write, form, account, who):
    opening = barred.brief("a00002").play.opening
    assert opening
    said = write(barred, account, form)
    found = said.lower().replace("\\_", "_")
    assert who in found
    assert opening not in said
    assert "mailto:" not in said
    assert "first touch by" not in found
    if form == "json":
        brief = json.loads(said)
        assert brief["do_not_contact"] == who
        assert brief["play"]["opening"] is None
        assert brief["due_at"] is None
        assert all(person["rest"] for person in brief["people"])
    else:
        assert found.index("do not contact") < found.index("why now")
        assert "nobody may contact firm" in found


@pytest.mark.parametrize("form", FORMS)
def test_an_account_that_may_be_contacted_is_told_of_as_ever(barred, write, form):
    opening = barred.brief("a00002").play.opening
    said = write(barred, "a00002", form)
    assert opening.split(".")[0] in said
    if form == "json":
        assert json.loads(said)["do_not_contact"] is None
    else:
        assert "do not contact" not in said.lower()


def test_people_and_tickets_that_are_not_listed_are_counted(company, tmp_path):
    project = company(1)
    more = PEOPLE + 4
    users, members = ["user_id,name"], ["user_id,account_id,since"]
    tickets = ["account_id,topic,at"]
    for place in range(more):
        users.append(f"z{place},Zed {place}")
        members.append(f"z{place},a00000,2026-01-05T00:00:00Z")
        tickets.append(f"a00000,login {place},2026-02-{place + 1:02}T09:00:00Z")
    for kind, lines in (("users", users), ("memberships", members), ("tickets", tickets)):
        file = tmp_path / f"more_{kind}.csv"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        project.load(kind, [file])
    brief = project.brief("a00000")
    assert len(brief.people) == PEOPLE
    assert brief.more["people"] == more + 2 - PEOPLE
    assert brief.more["intent"] == more - 3
    assert "usage" not in brief.more
