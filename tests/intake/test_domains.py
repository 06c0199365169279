"""What addresses and web addresses speak for."""

from __future__ import annotations

import polars as pl
import pytest

from groundswell.config.schema import IdentityBlock
from groundswell.errors import ConfigError
from groundswell.intake.domains import Domains, registrable_domain


def described(*texts: str | None, block: IdentityBlock | None = None) -> dict[str | None, tuple]:
    rows = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    found = Domains.of(block or IdentityBlock()).describe(rows, "text")
    columns = found.select("text", "own", "speaks_for", "kind")
    return {text: rest for text, *rest in map(list, columns.iter_rows())}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("acme.com", "acme.com"),
        ("eu.mail.Acme.CO.UK.", "acme.co.uk"),
        ("city.kawasaki.jp", "city.kawasaki.jp"),
        ("acme.github.io", "acme.github.io"),
        ("github.io", None),
        ("co.uk", None),
        ("localhost", None),
        ("192.168.0.1", None),
        ("", None),
        ("a..b", None),
        ("bücher.de", "xn--bcher-kva.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
    ],
)
def test_the_registrable_part_of_a_host(host: str, expected: str | None) -> None:
    assert registrable_domain(host) == expected


@pytest.mark.parametrize(
    "text",
    [
        "acme.com",
        "www.acme.com",
        "https://www.acme.com/about?x=a@b.c",
        "HTTP://ACME.com:8080",
        "ana@eu.acme.com",
        " <ana+news@acme.com> ",
        "user@pass@acme.com",
    ],
)
def test_every_way_to_write_a_domain_is_the_same_domain(text: str) -> None:
    assert described(text)[text] == ["acme.com", "acme.com", "company"]


def test_providers_are_told_from_companies() -> None:
    expected = {
        "a@gmail.com": "free_mail",
        "a@yahoo.co.jp": "free_mail",
        "a@mailinator.com": "disposable",
        "a@acme.com": "company",
        "a@localhost": None,
        "a": None,
        None: None,
    }
    assert {text: kind for text, (*_, kind) in described(*expected).items()} == expected


def test_the_configuration_adds_to_the_lists() -> None:
    block = IdentityBlock(
        free_mail=["Hey.com"],
        internal=["ours.io"],
        aliases={"acme.de": "acme.eu", "eu.acme.eu": "www.acme.com", "we.io": "ours.io"},
    )
    found = described("a@hey.com", "a@dev.ours.io", "a@we.io", "a@acme.de", block=block)
    assert found["a@hey.com"][2] == "free_mail"
    assert found["a@dev.ours.io"][2] == "internal"
    assert found["a@we.io"][2] == "internal"
    assert found["a@acme.de"] == ["acme.de", "acme.com", "company"]


def test_aliases_in_a_circle_are_refused() -> None:
    block = IdentityBlock(aliases={"a.com": "b.com", "b.com": "a.com"})
    with pytest.raises(ConfigError) as caught:
        Domains.of(block)
    problem = caught.value.problems[0]
    assert problem.code == "identity-alias-cycle"
    assert problem.path == "identity.aliases.a.com"
    assert problem.what == "Domain aliases lead in a circle: a.com -> b.com -> a.com."
