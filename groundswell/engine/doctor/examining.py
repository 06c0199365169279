"""Checking a project that may not open: what can be opened of it is, one after the other."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from groundswell.config.loading import CONFIG_FILE, load_config
from groundswell.config.secrets import expand
from groundswell.engine.doctor.doctoring import attempt
from groundswell.engine.project import STATE_FOLDER, Project
from groundswell.engine.reports import Check
from groundswell.store.ledger import open_ledger
from groundswell.store.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping


def examine(
    folder: str | Path, *, quick: bool = False, environ: Mapping[str, str] | None = None
) -> list[Check]:
    """Check the project in `folder`; where it does not open, say of each part whether it does.

    Args:
        folder: The folder that holds groundswell.yaml.
        quick: Leave out what reads everything.
        environ: Where `${NAME}` is looked up; the process's environment by default.
    """
    root = Path(folder)
    names = os.environ if environ is None else environ

    def configuration() -> Check:
        load_config(root / CONFIG_FILE)
        return Check("", "ok", "It loads.")

    def ledger() -> Check:
        url = expand(load_config(root / CONFIG_FILE).config.ledger, names)
        with closing(open_ledger(url, _state(root))):
            return Check("", "ok", "It opens.")

    def warehouse() -> Check:
        url = expand(load_config(root / CONFIG_FILE).config.warehouse, names)
        with closing(open_warehouse(url, _state(root))):
            return Check("", "ok", "It opens.")

    rows = [attempt("configuration", configuration)]
    if rows[0].status == "ok":
        rows += [attempt("ledger", ledger), attempt("warehouse", warehouse)]
    if any(row.status == "failed" for row in rows):
        return rows
    with Project.open(root, environ=environ) as project:
        return project.doctor(quick=quick)


def _state(root: Path) -> Path:
    state = root / STATE_FOLDER
    state.mkdir(exist_ok=True)
    return state
