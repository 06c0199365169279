"""Reaching the ledger's database and bringing its tables up to date."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError

from groundswell.errors import Problem, StoreError
from groundswell.store.urls import scheme_of, shown

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "0002"
"""The latest revision in `migrations/`; a ledger that stands there is opened without Alembic."""

_LOCK = 0x67726F756E64  # one migration at a time on PostgreSQL; any number that is ours


def ledger_url(url: str, folder: Path) -> str:
    """Return SQLAlchemy's URL for the ledger that `url` names.

    Raises:
        StoreError: It is neither SQLite nor PostgreSQL.
    """
    scheme = scheme_of(url)
    if url == "sqlite":
        return f"sqlite:///{(folder / 'ledger.sqlite').absolute()}"
    if scheme == "sqlite":
        return url
    if scheme in {"postgresql", "postgres"}:
        return "postgresql+psycopg" + url[len(scheme) :]
    raise StoreError(
        Problem(
            code="ledger-unknown",
            what=f"The ledger cannot be kept in `{shown(url)}`.",
            fix="Use sqlite, sqlite:///file or postgresql://user@host/database.",
        )
    )


def connect_ledger(url: str) -> sa.Engine:
    """Return an engine whose errors show no parameters and whose SQLite is durable."""
    try:
        engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except (ArgumentError, ValueError):
        raise StoreError(
            Problem(
                code="ledger-url",
                what=f"`{shown(url)}` is no URL of a database.",
                fix="Write postgresql://user:password@host:5432/database.",
            )
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def bring_up_to_date(connection: sa.Connection, where: str) -> None:
    """Run the migrations that the database has not seen, in the caller's transaction.

    Raises:
        StoreError: The database stands at a revision this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if _revision(connection) == HEAD:
        return
    from alembic import command  # noqa: PLC0415  (slow to load, and rarely needed)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    with resources.as_file(resources.files("groundswell.store").joinpath("migrations")) as folder:
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                Problem(
                    code="ledger-layout",
                    what=f"The ledger {where} is of another version: {error}.",
                    fix="Use the version of Groundswell that wrote it, or a later one.",
                )
            ) from error


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below, and nowhere else
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the write lock at once when writing, so that no transaction fails half way."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
