"""The blocks of groundswell.yaml about data coming in: sources, identity."""

from typing import Literal

from pydantic import Field

from groundswell.config.block import (
    Block,
    Constants,
    Domain,
    DurationText,
    Letter,
    Plain,
    Quote,
    Texts,
    Zone,
)
from groundswell.model import Kind


class CsvDialect(Block):
    """How a CSV file is written. Nothing here is guessed."""

    delimiter: Letter = Field(default=",", description="What stands between two values.")
    quote: Quote = Field(
        default='"', description='What stands around a value; "" where nothing does.'
    )
    escape: Letter | None = Field(
        default=None, description="What stands before a quote inside a value; doubled if left out."
    )
    encoding: Literal["utf-8", "utf-16", "latin-1"] = Field(
        default="utf-8", description="How letters are written as bytes."
    )
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    columns: list[str] | None = Field(
        default=None, description="The names of the columns, for files without a header."
    )
    decimal: Literal[".", ","] = Field(
        default=".", description="What stands before the decimals of a number."
    )


class TimeFormat(Block):
    """How times are written: a strptime `format` or an epoch `unit`, and the `zone` they are in."""

    format: str | None = Field(
        default=None, description="strptime format, such as `%d/%m/%Y %H:%M`."
    )
    unit: Literal["s", "ms", "us", "ns"] | None = Field(
        default=None, description="For numbers: what they count since 1970-01-01 UTC."
    )
    zone: Zone | None = Field(
        default=None,
        description="IANA time zone of times that carry no offset of their own.",
    )


class WebhookDef(Block):
    """What another system sends us of its own accord, signed with a secret that we share."""

    wire: Literal["stripe", "segment"] = Field(description="The system that sends.")
    secret: Texts = Field(
        description="What it signs with, from the environment: ${STRIPE_WEBHOOK_SECRET}; several "
        "while one takes another's place.",
    )


class SourceDef(Block):
    """Where records come from, and how their names map to ours.

    A column not named in `columns` keeps its name, and one that is not ours is kept as a property.
    """

    kind: Kind | None = Field(
        default=None,
        strict=False,
        description="The kind of record the rows become; a source that has only a `webhook` "
        "needs none.",
    )
    path: str | None = Field(default=None, description="Files to read; globs and .gz are fine.")
    dsn: str | None = Field(
        default=None, description="PostgreSQL to read from; take it from the environment: ${DSN}."
    )
    query: str | None = Field(default=None, description="SELECT to read, with `dsn`.")
    table: str | None = Field(default=None, description="Table to read, with `dsn`.")
    cursor: str | None = Field(
        default=None, description="Their column that only grows; later loads begin there."
    )
    overlap: DurationText | None = Field(
        default=None,
        description="With a `cursor` of times: how far behind the last value a later load begins, "
        "for rows of transactions that ended late; `1 hour` if left out.",
    )
    format: (
        Literal[
            "csv", "jsonl", "parquet", "segment", "rudderstack", "amplitude", "mixpanel", "posthog"
        ]
        | None
    ) = Field(default=None, description="How the files are written; by their ending if left out.")
    csv: CsvDialect = Field(default_factory=CsvDialect, description="How the CSV is written.")
    columns: dict[str, str] = Field(
        default_factory=dict[str, str], description="Our column -> theirs."
    )
    constants: Constants = Field(
        default_factory=dict[str, Plain], description="Our column -> one value for every row."
    )
    time: TimeFormat | None = Field(default=None, description="How times are written.")
    times: dict[str, TimeFormat] = Field(
        default_factory=dict[str, TimeFormat],
        description="How times are written in single columns of ours.",
    )
    null: list[str] = Field(
        default_factory=lambda: [""], description='What their files write for "no value".'
    )
    only: str | None = Field(
        default=None, description="Condition over their columns; other rows are passed over."
    )
    group_type: str | None = Field(
        default=None, description="Which group of the exporting system is an account."
    )
    webhook: WebhookDef | None = Field(
        default=None, description="Signed webhooks that come under the name of the source."
    )


class IdentityBlock(Block):
    """How users are filed under accounts, beyond what events and tables say."""

    domains: bool = Field(
        default=True, description="File users under the account of their e-mail's company domain."
    )
    solo_accounts: bool = Field(
        default=True, description="Make an account of its own for a user nobody else claims."
    )
    aliases: dict[Domain, Domain] = Field(
        default_factory=dict[str, Domain], description="Domain -> the company's main domain."
    )
    subsidiaries: dict[Domain, Domain] = Field(
        default_factory=dict[str, Domain], description="Domain -> the parent company's domain."
    )
    free_mail: list[Domain] = Field(
        default_factory=list[Domain],
        description="Domains of personal mail, beside the well-known ones.",
    )
    internal: list[Domain] = Field(
        default_factory=list[Domain],
        description="Domains of your own staff, whose events do not count.",
    )
