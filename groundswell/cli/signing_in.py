"""Commands about who signs in: colleagues, api-keys."""

from __future__ import annotations

import getpass
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from groundswell.cli.app import JsonOption, ProjectOption, app
from groundswell.cli.output import err, out, print_json
from groundswell.engine.colleagues import Colleagues
from groundswell.engine.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from groundswell.store.colleagues import ApiKey, Colleague

colleagues = typer.Typer(help="Who signs in to the pages, and as what.", no_args_is_help=True)
api_keys = typer.Typer(help="Keys that programs sign in with.", no_args_is_help=True)
app.add_typer(colleagues, name="colleagues")
app.add_typer(api_keys, name="api-keys")

EmailArgument = Annotated[str, typer.Argument(help="E-mail address.")]
RoleOption = Annotated[str, typer.Option(help="rep, manager, analyst or admin.")]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


@colleagues.command()
def add(
    email: EmailArgument,
    role: RoleOption = "rep",
    name: Annotated[str, typer.Option(help="What they are called.")] = "",
    password_stdin: StdinOption = False,
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Let somebody sign in. Where no password is given one is made, and shown this once."""
    given = sys.stdin.readline().rstrip("\n") if password_stdin else None
    password = given or secrets.token_urlsafe(12)
    with Keys.open(project) as opened:
        made = Colleagues(opened.ledger, opened.clock).add(
            email, role=role, name=name, password=password, by=_who()
        )
    shown = None if given else password
    if json:
        print_json({**_row(made), "password": shown})
    elif shown:
        out.print(shown)
        err.print(f"{made.email} signs in with it, as {made.role}. It is shown this once.")
    else:
        err.print(f"{made.email} signs in as {made.role}.")


@colleagues.command("list")
def list_colleagues(project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List everybody, those who may not sign in too."""
    with Keys.open(project) as opened:
        found = Colleagues(opened.ledger, opened.clock).list()
    if json:
        print_json([_row(one) for one in found])
        return
    table = Table("who", "name", "role", "since", "may sign in", box=None, pad_edge=False)
    for one in found:
        may = "no" if one.disabled_at else "yes"
        table.add_row(one.email, one.name, one.role, f"{one.created_at:%Y-%m-%d}", may)
    out.print(table)


@colleagues.command()
def change(
    email: EmailArgument,
    role: Annotated[str | None, typer.Option(help="Another role.")] = None,
    lock: Annotated[
        bool | None, typer.Option("--lock/--unlock", help="Let them sign in no more, or again.")
    ] = None,
    password_stdin: StdinOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Give somebody another role or password, or lock them out. They sign in again after it."""
    with Keys.open(project) as opened:
        known = Colleagues(opened.ledger, opened.clock)
        if role is not None:
            known.change_role(email, role, by=_who())
        if password_stdin:
            known.change_password(email, sys.stdin.readline().rstrip("\n"), by=_who())
        if lock is not None:
            (known.disable if lock else known.enable)(email, by=_who())
    err.print("Done.")


@api_keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[str, typer.Option(help="read, people, act or admin.")] = "read",
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Make a key for a program. It is shown this once."""
    with Keys.open(project) as opened:
        made = Colleagues(opened.ledger, opened.clock).create_api_key(name, scope=scope, by=_who())
    if json:
        print_json({"name": made.name, "scope": made.scope, "key": made.key})
    else:
        out.print(made.key)
        err.print("Keep it: only its digest is stored.")


@api_keys.command("list")
def list_keys(project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List keys by their last characters."""
    with Keys.open(project) as opened:
        found = Colleagues(opened.ledger, opened.clock).api_keys()
    if json:
        print_json(list(_keys(found)))
        return
    table = Table("name", "scope", "key", "created", "by", "revoked", box=None, pad_edge=False)
    for key in found:
        revoked = f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
        made = f"{key.created_at:%Y-%m-%d}"
        table.add_row(key.name, key.scope, f"...{key.hint}", made, key.created_by, revoked)
    out.print(table)


@api_keys.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    project: ProjectOption = Path(),
) -> None:
    """Let a key open nothing any more."""
    with Keys.open(project) as opened:
        Colleagues(opened.ledger, opened.clock).revoke_api_key(name, by=_who())
    err.print(f"{name} opens nothing any more.")


def _who() -> str:
    return f"{getpass.getuser()} at the command line"


def _row(one: Colleague) -> dict[str, object]:
    return {
        "email": one.email,
        "name": one.name,
        "role": one.role,
        "created_at": one.created_at,
        "disabled_at": one.disabled_at,
    }


def _keys(found: list[ApiKey]) -> Iterator[dict[str, object]]:
    for key in found:
        yield {
            "name": key.name,
            "scope": key.scope,
            "hint": key.hint,
            "created_by": key.created_by,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
        }
