"""The names behind the numbers: ids, companies, domains, people and their addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from groundswell.demo.arrays import Bools, Stream, generator
from groundswell.demo.names import FREE_MAIL, company_names, person_names, slug, titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundswell.demo.cast import Cast

SECOND_DOMAINS = 0.04  # share of companies that people also write from under another domain
SOLO = 0.5  # share of personal accounts that the product gives no workspace


@dataclass(slots=True)
class Directory:
    """Every name, by account or by person.

    Attributes:
        account_ids: Id of each account; for people without a workspace, the id that identity
            resolution gives an account of one.
        company: Name of each account.
        domain: Domain of each account, empty for personal ones.
        second_domain: Another domain of the same company, empty for most.
        solo: Accounts that are one person without a workspace.
        user_ids: Id of each person.
        person: Name of each person.
        email: Address of each person.
        title: Job title of each person.
    """

    account_ids: list[str]
    company: list[str]
    domain: list[str]
    second_domain: list[str]
    solo: Bools
    user_ids: list[str]
    person: list[str]
    email: list[str]
    title: Sequence[str]


def build_directory(cast: Cast, *, seed: int) -> Directory:
    """Name everything; the same cast and seed give the same names."""
    rng = generator(seed, Stream.CAST, 1)
    accounts, people = cast.accounts, cast.people
    home = cast.seats.account[: len(people)]
    rank = cast.seats.rank[: len(people)]
    companies = company_names(rng, industry=accounts.industry)
    domains = [f"{slug(name)}.example" for name in companies]
    others = rng.random(len(accounts)) < SECOND_DOMAINS
    second = [
        f"{slug(name)}-group.example" if other else ""
        for name, other in zip(companies, others.tolist(), strict=True)
    ]
    names = person_names(base=accounts.base[home], rank=rank)
    personal = accounts.personal.tolist()
    emails: list[str] = []
    for who, (account, (first, last)) in enumerate(zip(home.tolist(), names, strict=True)):
        local = f"{first}.{last}".lower()
        if personal[account]:
            emails.append(f"{local}.{who}@{FREE_MAIL[who % len(FREE_MAIL)]}")
        elif second[account] and people.second_domain[who]:
            emails.append(f"{local}@{second[account]}")
        else:
            emails.append(f"{local}@{domains[account]}")
    solo = accounts.personal & (rng.random(len(accounts)) < SOLO)
    user_ids = [f"u-{number:06d}" for number in range(1, len(people) + 1)]
    return Directory(
        account_ids=[
            f"solo:{user_ids[seat]}" if alone else f"ac-{number:05d}"
            for number, (seat, alone) in enumerate(
                zip(accounts.first_seat.tolist(), solo.tolist(), strict=True), start=1
            )
        ],
        company=["" if alone else name for name, alone in zip(companies, personal, strict=True)],
        domain=["" if alone else name for name, alone in zip(domains, personal, strict=True)],
        second_domain=second,
        solo=solo,
        user_ids=user_ids,
        person=[f"{first} {last}" for first, last in names],
        email=emails,
        title=titles(rng, people.department, seniority=people.seniority),
    )


def seat_labels(cast: Cast, directory: Directory) -> tuple[list[str], list[str | None]]:
    """Return the user id of each seat, and the account id its events carry, if they carry one."""
    seats, accounts = cast.seats, cast.accounts
    users = [directory.user_ids[who] for who in seats.person.tolist()]
    named = (accounts.grouped & ~directory.solo).tolist()
    labels = [
        directory.account_ids[account] if named[account] else None
        for account in seats.account.tolist()
    ]
    return users, labels


def members_of_nothing(cast: Cast, directory: Directory) -> Bools:
    """Tell which seats no membership is written for: solo people, and accounts found by domain."""
    account = cast.seats.account
    second = cast.seats.rank == np.int32(99)
    return directory.solo[account] | (~cast.accounts.grouped[account] & ~second)
