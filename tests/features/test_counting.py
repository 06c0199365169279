"""The table of what was seen last: what no account bears any more takes no room for long."""

from __future__ import annotations

import numpy as np

from groundswell.features.counters import _Entries, _Table

EACH, CHANNELS = 1_000, 3


def test_a_table_forgets_names_that_live_no_more() -> None:
    table = _Table.of(1 << 12)
    for name in range(100):
        if not table.has_room(EACH):
            lives = np.arange(name + 1) >= name - 1
            table.make_room(EACH, channels=CHANNELS, lives=lives)
        units = np.arange(EACH)
        seen = (np.full(EACH, name), units % CHANNELS, units, units.astype(np.int32))
        table.add(_Entries(*seen), CHANNELS)
    assert len(table.keys) <= 1 << 14
    held = table.entries(CHANNELS)
    last = held.only(held.name == 99)
    assert dict(zip(last.unit.tolist(), last.day.tolist(), strict=True)) == {
        unit: unit for unit in range(EACH)
    }
    assert set(held.name.tolist()) >= {98, 99}
    assert table.used[0] == len(held.name)
