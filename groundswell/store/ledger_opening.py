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

HEAD = "0010"
"""The latest revision in `migrations/`; a ledger that stands there is opened without Alembic."""

_LOCK = 0x67726F756E64  # one migration at a time on PostgreSQL; any number that is ours

_PATIENCE = {
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 5,  # seconds
    "keepalives_interval": 2,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}


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
    """Return an engine whose errors show no parameters and whose commits are durable.

    A connection that the database ended is replaced when it is next asked for, and a database that
    does not answer is given up after some seconds.
    """
    try:
        engine = sa.create_engine(
            url, hide_parameters=True, pool_pre_ping=True, connect_args=_patience(url)
        )
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
    else:
        event.listen(engine, "connect", _set_up_postgres)
    return engine


def connect_alone(url: str) -> sa.Connection:
    """Open a connection of its own, whose statements stand for themselves; closing it ends it."""
    engine = sa.create_engine(
        url, hide_parameters=True, poolclass=sa.NullPool, connect_args=_patience(url)
    )
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _patience(url: str) -> dict[str, int]:
    """Return how long PostgreSQL may be silent, where the URL does not say."""
    made = sa.make_url(url)
    if made.get_backend_name() == "sqlite":
        return {}
    return {name: value for name, value in _PATIENCE.items() if name not in made.query}


def bring_up_to_date(connection: sa.Connection, where: str) -> None:
    """Run the migrations that the database has not seen, in the caller's transaction.

    Raises:
        StoreError: The database stands at a revision this version does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if revision_of(connection) == HEAD:
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


def revision_of(connection: sa.Connection) -> str | None:
    """Return the revision that the tables stand at; None where there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below, and nowhere else
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


def _set_up_postgres(connection: Any, _: object) -> None:
    """See to it that a commit is on the disk when it returns, whatever the database's default."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the write lock at once when writing, so that no transaction fails half way."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
