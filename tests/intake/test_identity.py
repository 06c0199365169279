"""One worked example for each rule of identity; days are days of March 2026."""

from __future__ import annotations

import polars as pl
import pytest

from groundswell.clock import day_from_number
from groundswell.config.schema import IdentityBlock
from groundswell.errors import UsageError
from groundswell.intake import Filing, explain_account, explain_user, resolve

from .oracle import AccountRow, Actor, MemberRow, MergeRow, UserRow, World
from .worlds import FIRST_DAY, Answers, at, file, frames


def number(day: int) -> int:
    return FIRST_DAY + day - 1


def answer(filing: Filing, actor: int, day: int, as_of: int) -> tuple[str, str] | None:
    return Answers(filing).answer(actor, number(day), number(as_of))


def members(filing: Filing, as_of: int) -> set[tuple[str, str]]:
    return Answers(filing).members(number(as_of))


def reasons(filing: Filing, user: str, as_of: int) -> list[tuple[str, str, str]]:
    links = explain_user(filing, user, day_from_number(number(as_of)))
    return [(link.account_id, link.source, link.reason) for link in links]


def user(name: str, email: str | None, day: float = 1, valid_from: float | None = None) -> UserRow:
    return UserRow(name, email, at(day), None if valid_from is None else at(valid_from))


def account(name: str, domain: str | None, day: float = 1) -> AccountRow:
    return AccountRow(name.lower(), name, domain, at(day), None)


# --- rule 1 and 2: what is stated


def test_an_event_that_names_an_account_is_filed_there_and_makes_a_link() -> None:
    filing = file(
        World(actors=[Actor(0, "bob", None, "ws", at(4)), Actor(1, "bob", None, None, at(2))])
    )
    assert answer(filing, 0, 4, 4) == ("ws", "bob")
    assert answer(filing, 1, 2, 3) == ("solo:bob", "bob")
    assert answer(filing, 1, 2, 4) == ("ws", "bob")
    assert members(filing, 3) == {("solo:bob", "bob")}
    assert members(filing, 4) == {("ws", "bob")}
    assert reasons(filing, "bob", 4) == [
        ("ws", "group", "bob was first known to be active in ws on 2026-03-04")
    ]


def test_an_account_that_nobody_belongs_to_is_known_from_the_first_event_that_names_it() -> None:
    filing = file(
        World(
            actors=[
                Actor(0, "bob", "device", None, at(1)),
                Actor(1, None, "device", "ws", at(6)),
                Actor(2, None, "device", "ws", at(8)),
            ]
        )
    )
    known = filing.accounts.filter(pl.col("account_id") == "ws")
    assert members(filing, 9) == {("solo:bob", "bob")}
    assert known.get_column("since").to_list() == [number(6)]


def test_a_membership_holds_from_since_until_the_day_of_until() -> None:
    filing = file(
        World(
            actors=[Actor(0, "cy", None, None, at(1))],
            users=[user("cy", "cy@gmail.com")],
            members=[MemberRow("cy", "acme", at(2.5), at(5.5))],
        )
    )
    assert [answer(filing, 0, day, 9) for day in (1, 2, 5, 6)] == [
        ("acme", "cy"),
        ("acme", "cy"),
        ("acme", "cy"),
        None,
    ]
    assert members(filing, 4) == {("acme", "cy")}
    assert members(filing, 5) == set()
    (open_link,) = explain_user(filing, "cy", day_from_number(number(4)))
    (ended,) = explain_user(filing, "cy", day_from_number(number(5)))
    assert open_link.until is None
    assert ended.until == at(5.5)
    assert ended.reason == "the memberships table says that cy joined acme on 2026-03-02"


def test_a_membership_without_a_date_begins_with_the_user() -> None:
    filing = file(
        World(
            actors=[Actor(0, "dan", None, None, at(3))],
            users=[user("cy", None, day=2)],
            members=[MemberRow("cy", "acme", None, None), MemberRow("dan", "acme", None, None),
                     MemberRow("nobody", "acme", None, None)],
        )
    )  # fmt: skip
    assert members(filing, 1) == set()
    assert members(filing, 2) == {("acme", "cy")}
    assert members(filing, 3) == {("acme", "cy"), ("acme", "dan")}
    assert reasons(filing, "dan", 3)[0][2] == (
        "the memberships table lists dan under acme without a date, "
        "and dan was first known on 2026-03-03"
    )


def test_of_several_links_the_latest_that_holds_counts_else_the_next() -> None:
    filing = file(
        World(
            actors=[Actor(0, "cy", None, None, at(1))],
            members=[
                MemberRow("cy", "a", at(2), at(4)),
                MemberRow("cy", "b", at(3), at(4)),
                MemberRow("cy", "c", at(8), None),
            ],
        )
    )
    said = [answer(filing, 0, day, 10) for day in (1, 2, 3, 5, 8)]
    assert [found and found[0] for found in said] == ["a", "a", "b", "c", "c"]
    assert answer(filing, 0, 5, 7) is None
    assert members(filing, 3) == {("a", "cy"), ("b", "cy")}


def test_leaving_an_account_ends_the_link_its_events_gave() -> None:
    filing = file(
        World(
            actors=[Actor(0, "cy", None, "a", at(2)), Actor(1, "cy", None, None, at(2))],
            members=[MemberRow("cy", "a", at(1), at(5))],
        )
    )
    assert answer(filing, 0, 6, 6) == ("a", "cy")
    assert answer(filing, 1, 6, 6) is None
    assert members(filing, 6) == set()


# --- rule 3: domains


def test_a_company_address_belongs_to_the_account_that_owns_the_domain() -> None:
    filing = file(
        World(
            actors=[Actor(0, "ana", None, None, at(2))],
            users=[user("ana", "ana@eu.acme.com", day=2)],
            accounts=[account("Acme", "https://www.acme.com/")],
        )
    )
    assert answer(filing, 0, 2, 2) == ("acme", "ana")
    assert reasons(filing, "ana", 2) == [
        ("acme", "domain", "ana@eu.acme.com signed up on 2026-03-02 and acme.com belongs to Acme")
    ]
    assert explain_account(filing, "acme", day_from_number(number(2))) == explain_user(
        filing, "ana", day_from_number(number(2))
    )


def test_a_user_id_that_is_an_address_counts_as_one_where_no_row_gives_another() -> None:
    filing = file(
        World(
            actors=[
                Actor(0, "cy@acme.com", None, None, at(4)),
                Actor(1, "di@acme.com", None, None, at(4)),
                Actor(2, "ed@gmail.com", None, None, at(4)),
                Actor(3, "not@anaddress", None, None, at(4)),
            ],
            users=[user("di@acme.com", "di@other.com", 2)],
            accounts=[account("Acme", "acme.com", 1)],
        )
    )
    assert answer(filing, 0, 4, 4) == ("acme", "cy@acme.com")
    assert reasons(filing, "cy@acme.com", 4) == [
        (
            "acme",
            "domain",
            "cy@acme.com was first seen on 2026-03-04 and acme.com belongs to Acme",
        )
    ]
    assert answer(filing, 1, 4, 4) == ("other.com", "di@acme.com")
    assert answer(filing, 2, 4, 4) == ("solo:ed@gmail.com", "ed@gmail.com")
    assert answer(filing, 3, 4, 4) == ("solo:not@anaddress", "not@anaddress")


def test_a_domain_nobody_owns_is_an_account_until_somebody_does() -> None:
    filing = file(
        World(
            actors=[Actor(0, "ana", None, None, at(2))],
            users=[user("ana", "ana@acme.com", day=2)],
            accounts=[account("Acme", "acme.com", day=5)],
        )
    )
    assert answer(filing, 0, 2, 4) == ("acme.com", "ana")
    assert answer(filing, 0, 2, 5) == ("acme", "ana")
    assert answer(filing, 0, 6, 6) == ("acme", "ana")
    assert members(filing, 4) == {("acme.com", "ana")}
    assert members(filing, 5) == {("acme", "ana")}
    assert reasons(filing, "ana", 4)[0][2] == (
        "ana@acme.com signed up on 2026-03-02 and no account owned acme.com, so it became one"
    )
    assert reasons(filing, "ana", 5)[0][2] == (
        "ana@acme.com signed up on 2026-03-02 and acme.com belongs to Acme, known since 2026-03-05"
    )


def test_an_alias_is_the_same_account_and_says_so() -> None:
    filing = file(World(users=[user("ana", "ana@acme.de")], accounts=[account("Acme", "acme.com")]))
    assert reasons(filing, "ana", 1)[0][2] == (
        "ana@acme.de signed up on 2026-03-01 and acme.de stands for acme.com, which belongs to Acme"
    )


def test_the_account_known_by_a_domain_longest_owns_it_and_a_rename_keeps_it() -> None:
    world = World(
        users=[user("ana", "ana@acme.com"), user("bob", "bob@old.org")],
        accounts=[
            account("Late", "acme.com", day=3),
            account("Acme", "acme.com", day=2),
            AccountRow("old", "Old", "old.org", at(1), None),
            AccountRow("old", "New", "new.org", at(1), at(4)),
        ],
    )
    assert members(file(world), 6) == {("acme", "ana"), ("old", "bob")}


def test_an_address_is_known_from_its_version_and_moves_the_person() -> None:
    filing = file(
        World(
            actors=[Actor(0, "ana", None, None, at(1))],
            users=[
                user("ana", "ana@gmail.com"),
                user("ana", "ana@acme.com", valid_from=3),
                user("ana", "private@gmail.com", valid_from=5),
                user("ana", "ana@bolt.co.uk", valid_from=7),
            ],
        )
    )
    as_of = {day: (answer(filing, 0, 1, day) or ("",))[0] for day in (2, 3, 5, 7)}
    assert as_of == {2: "solo:ana", 3: "acme.com", 5: "acme.com", 7: "acme.com"}
    assert answer(filing, 0, 7, 7) == ("bolt.co.uk", "ana")
    assert members(filing, 7) == {("bolt.co.uk", "ana")}
    assert reasons(filing, "ana", 4)[0][2].startswith(
        "ana@acme.com is known as the address of ana since 2026-03-03 and "
    )


def test_a_membership_takes_a_person_out_of_the_domains_account() -> None:
    filing = file(
        World(
            actors=[Actor(0, "ana", None, None, at(1))],
            users=[user("ana", "ana@acme.com")],
            members=[MemberRow("ana", "ws", at(4), None)],
        )
    )
    assert answer(filing, 0, 1, 3) == ("acme.com", "ana")
    assert answer(filing, 0, 1, 4) == ("ws", "ana")
    assert members(filing, 4) == {("ws", "ana")}


def test_subsidiaries_and_rows_give_parents() -> None:
    tables = frames(
        World(
            users=[user("ana", "ana@labs.io"), user("bob", "bob@shop.io")],
            accounts=[account("Acme", "acme.com"), account("Shop", "shop.io")],
        )
    )
    tables["accounts"] = tables["accounts"].with_columns(
        pl.when(pl.col("account_id") == "shop").then(pl.lit("holding")).alias("parent_id")
    )
    block = IdentityBlock(
        subsidiaries={"labs.io": "acme.com", "shop.io": "acme.com", "acme.com": "big.example"}
    )
    filing = resolve(**tables, block=block)
    parents = dict(filing.accounts.select("account_id", "parent_id").iter_rows())
    assert parents == {"acme": "big.example", "labs.io": "acme", "shop": "holding"}


# --- rule 4: accounts of one, and people who are left out


@pytest.mark.parametrize(
    ("email", "free_mail", "reason"),
    [
        ("p@gmail.com", True, "p@gmail.com is an address at a free-mail provider"),
        ("p@mailinator.com", False, "p@mailinator.com is a disposable address"),
        ("p@box", False, "p@box is not an address of a company"),
        (None, False, "no e-mail address is known"),
    ],
)
def test_others_have_an_account_of_one(email: str | None, free_mail: bool, reason: str) -> None:
    filing = file(World(users=[user("ana", email)]))
    assert members(filing, 1) == {("solo:ana", "ana")}
    assert filing.accounts["is_free_mail"].to_list() == [free_mail]
    assert reasons(filing, "ana", 1)[0][2] == f"{reason} and nothing else ties ana to an account"


def test_free_mail_is_never_a_company_even_when_a_row_says_so() -> None:
    filing = file(World(users=[user("ana", "a@gmail.com")], accounts=[account("G", "gmail.com")]))
    assert members(filing, 1) == {("solo:ana", "ana")}


def test_an_account_of_one_knows_its_address_only_from_then() -> None:
    filing = file(
        World(
            actors=[Actor(0, "ana", None, None, at(1))], users=[user("ana", "a@gmail.com", day=3)]
        )
    )
    assert filing.accounts["free_mail_since"].to_list() == [number(3)]
    assert reasons(filing, "ana", 2)[0][2].startswith("no e-mail address is known")
    assert reasons(filing, "ana", 3)[0][2].startswith("a@gmail.com is an address")


def test_our_own_people_are_left_out_from_the_day_they_are_known() -> None:
    filing = file(
        World(
            actors=[Actor(0, "me", None, "ws", at(1)), Actor(1, "you", None, "ws", at(1))],
            users=[user("me", "me@ours.io", day=3), user("you", "you@ours.io")],
            members=[MemberRow("me", "ws", at(1), None)],
        )
    )
    assert answer(filing, 0, 1, 2) == ("ws", "me")
    assert answer(filing, 0, 1, 3) is None
    assert answer(filing, 1, 1, 1) is None
    assert members(filing, 2) == {("ws", "me")}
    assert members(filing, 3) == set()
    assert filing.unfiled.rows() == [(1, "internal")]


# --- anonymous ids


def test_history_before_sign_up_counts_from_the_day_of_recognition() -> None:
    filing = file(
        World(
            actors=[Actor(0, None, "x", None, at(1)), Actor(1, "ana", "x", None, at(4))],
            users=[user("ana", "ana@acme.com", day=4)],
        )
    )
    assert answer(filing, 0, 1, 3) is None
    assert answer(filing, 0, 1, 4) == ("acme.com", "ana")
    assert answer(filing, 0, 6, 6) == ("acme.com", "ana")


def test_of_several_users_the_next_counts_else_the_last() -> None:
    filing = file(
        World(
            actors=[
                Actor(0, None, "x", None, at(1)),
                Actor(1, "ana", "x", None, at(2)),
                Actor(2, "bob", "x", None, at(5)),
            ],
        )
    )
    assert answer(filing, 0, 2, 9) == ("solo:ana", "ana")
    assert answer(filing, 0, 3, 4) == ("solo:ana", "ana")
    assert answer(filing, 0, 3, 5) == ("solo:bob", "bob")
    assert answer(filing, 0, 7, 9) == ("solo:bob", "bob")


def test_an_anonymous_event_in_an_account_is_a_person_until_recognised() -> None:
    filing = file(
        World(
            actors=[
                Actor(0, None, "x", "ws", at(1)),
                Actor(1, "ana", "x", None, at(3)),
                Actor(2, None, "y", "ws", at(2)),
                Actor(3, None, "z", None, at(2)),
                Actor(4, None, None, "ws", at(2)),
            ],
        )
    )
    assert answer(filing, 0, 1, 2) == ("ws", "anon:x")
    assert answer(filing, 0, 1, 3) == ("ws", "ana")
    assert members(filing, 2) == {("ws", "anon:x"), ("ws", "anon:y")}
    assert members(filing, 3) == {("ws", "ana"), ("ws", "anon:y")}
    assert filing.persons["user_id"].to_list() == ["ana", "anon:x", "anon:y"]
    assert filing.unfiled.rows() == [(3, "anonymous"), (4, "nobody")]


# --- merges


def merged(*merges: MergeRow) -> Filing:
    actors = [Actor(0, "ana", None, "a", at(1)), Actor(1, "ana", None, None, at(2))]
    return file(World(actors=actors, merges=list(merges)))


def test_a_merge_moves_all_history_from_its_day_and_an_unmerge_moves_it_back() -> None:
    filing = merged(MergeRow("a", "b", at(4.5), at(6.5)))
    for actor, day in ((0, 1), (1, 2)):
        said = {as_of: answer(filing, actor, day, as_of) for as_of in (3, 4, 5, 6)}
        assert said == {3: ("a", "ana"), 4: ("b", "ana"), 5: ("b", "ana"), 6: ("a", "ana")}
    assert [members(filing, day) for day in (3, 5, 6)] == [
        {("a", "ana")},
        {("b", "ana")},
        {("a", "ana")},
    ]
    assert filing.accounts["account_id"].to_list() == ["a", "b"]
    assert filing.merges.rows() == [(0, 1, number(4), number(6))]
    active, moved = (
        "ana was first known to be active in a on 2026-03-01",
        "a was merged into b on 2026-03-04",
    )
    assert reasons(filing, "ana", 3) == [("a", "group", active)]
    assert reasons(filing, "ana", 4) == [("b", "merge", f"{active}; {moved}")]


def test_merges_follow_each_other_and_the_later_counts() -> None:
    chain = merged(MergeRow("a", "b", at(3), None), MergeRow("b", "c", at(5), at(8)))
    assert [answer(chain, 0, 1, day)[0] for day in (2, 3, 5, 8)] == ["a", "b", "c", "b"]
    twice = merged(MergeRow("a", "b", at(3), None), MergeRow("a", "c", at(5), at(8)))
    assert [answer(twice, 0, 1, day)[0] for day in (2, 3, 5, 8)] == ["a", "b", "c", "b"]


def test_a_member_of_two_merged_accounts_belongs_once() -> None:
    world = World(
        members=[MemberRow("cy", "a", at(1), None), MemberRow("cy", "b", at(2), at(5))],
        merges=[MergeRow("a", "b", at(4), None)],
    )
    assert Answers(file(world)).steps == [(0, 0, number(1), number(4)), (1, 0, number(2), 2**30)]


def test_merges_in_a_circle_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        merged(
            MergeRow("a", "b", at(1), None),
            MergeRow("b", "c", at(2), None),
            MergeRow("c", "a", at(3), None),
        )
    problem = caught.value.problems[0]
    assert problem.code == "identity-merge-cycle"
    assert problem.what == "Account merges lead in a circle as of 2026-03-03: a -> b -> c -> a."


def test_a_circle_that_never_holds_together_is_none() -> None:
    filing = merged(MergeRow("a", "b", at(1), at(3)), MergeRow("b", "a", at(3), None))
    assert answer(filing, 0, 1, 2) == ("b", "ana")
    assert answer(filing, 0, 1, 3) == ("a", "ana")


# --- the frames


def test_frames_without_rows_give_frames_without_rows() -> None:
    filing = file(World())
    for name in ("links", "filings", "members", "accounts", "persons", "merges", "unfiled"):
        assert getattr(filing, name).is_empty(), name


def test_the_frames_have_their_columns_and_types() -> None:
    filing = merged(MergeRow("a", "b", at(4), None))
    instant, day = pl.Datetime("us", "UTC"), pl.Int32
    assert dict(filing.filings.schema) == dict.fromkeys(
        ("actor", "from_day", "until_day", "account", "person", "visible", "hidden"), pl.Int32
    )
    assert dict(filing.members.schema) == dict.fromkeys(
        ("account", "person", "since", "until"), pl.Int32
    )
    assert dict(filing.persons.schema) == {"person": day, "user_id": pl.String}
    assert dict(filing.links.schema) == {
        "user_id": pl.String, "account_id": pl.String, "since": instant, "until": instant,
        "source": pl.String, "reason": pl.String, "visible": day, "hidden": day,
    }  # fmt: skip
    assert dict(filing.accounts.schema) == {
        "account": day, "account_id": pl.String, "name": pl.String, "domain": pl.String,
        "source": pl.String, "reason": pl.String, "is_free_mail": pl.Boolean,
        "free_mail_since": day, "parent_id": pl.String, "since": day,
    }  # fmt: skip
