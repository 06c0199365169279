"""How the sources are doing: what came, when, and what waits or was rejected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
from sqlglot import exp

from groundswell.engine.reports import SourceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.config.schema import SourceDef
    from groundswell.store.ledger import Ledger
    from groundswell.store.warehouse import Warehouse

RECENT = timedelta(hours=1)


def source_states(
    warehouse: Warehouse, ledger: Ledger, *, now: datetime, sources: Mapping[str, SourceDef]
) -> list[SourceState]:
    """Return every source that sent, may send, or has something waiting, by name."""
    since = exp.cast(exp.Literal.string((now - RECENT).isoformat()), exp.DataType.Type.TIMESTAMPTZ)
    recent = exp.case().when(exp.column("received_at") > since, exp.Literal.number(1))
    select = (
        exp.select(
            "source",
            exp.alias_(exp.func("COUNT", exp.Star()), "events"),
            exp.alias_(exp.func("COUNT", recent), "last_hour"),
            exp.alias_(exp.func("MAX", exp.column("occurred_at")), "last_event_at"),
            exp.alias_(exp.func("MAX", exp.column("received_at")), "last_received_at"),
        )
        .from_("events")
        .group_by("source")
    )
    found = pl.from_arrow(warehouse.query(select).read_all())
    assert isinstance(found, pl.DataFrame)
    counted = {row["source"]: row for row in found.iter_rows(named=True)}
    rejected, waiting = ledger.open_rejects(), ledger.waiting_by_source()
    wires = {name: told.webhook.wire for name, told in sources.items() if told.webhook}
    wires |= {key.name: key.wire for key in ledger.write_keys()}
    return [
        SourceState(
            source=name,
            wire=wires.get(name),
            events=counted.get(name, {}).get("events", 0),
            last_hour=counted.get(name, {}).get("last_hour", 0),
            last_event_at=counted.get(name, {}).get("last_event_at"),
            last_received_at=counted.get(name, {}).get("last_received_at"),
            rejected=rejected.get(name, 0),
            waiting=waiting.get(name, (0, None))[0],
            waiting_since=waiting.get(name, (0, None))[1],
        )
        for name in sorted({*counted, *rejected, *waiting, *wires})
    ]
