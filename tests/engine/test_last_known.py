"""What is known without waiting is what a run would say: who stands where, and belongs where."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from groundswell.engine.live.last_known import KeptFiles, LastKnown, People, keep_people
from groundswell.engine.project import STATE_FOLDER
from groundswell.engine.telling import keep_latest
from groundswell.intake import belonging

from .test_live import NOON, TODAY, USERS, messages, opened, send, take

KNOWN = {
    "messageId": "k0",
    "type": "track",
    "userId": "u0",
    "event": "Board Viewed",
    "timestamp": (NOON - timedelta(days=40)).isoformat(),
    "context": {"groupId": "acme"},
}


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(sent=messages(), seed=st.integers(0, 1_000))
def test_who_moves_is_known_where_they_belong_now(sent: list[dict[str, Any]], seed: int) -> None:
    chance = random.Random(seed)
    chance.shuffle(sent)
    cuts = sorted(chance.choices(range(1, len(sent)), k=3))
    first, *rest = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True) if a < b]
    with opened() as (project, drain):
        live = project.follow()
        assert live.known is None
        send(project, [KNOWN, *first])
        while drain.step() is not None:
            pass
        live.rebase()
        for piece in ([], *rest):
            if piece:
                send(project, piece)
                take(drain, live)
            known, latest = live.known, live.latest()
            assert known is not None
            assert latest is not None
            for row in latest.iter_rows(named=True):
                assert known.row(row["account_id"]) == row
            assert known.row("nobody") is None
            whole = belonging(project.computer.filing(), project.warehouse.actors(), TODAY)
            assert_frame_equal(known.people.now(), whole)
            named = dict(whole.iter_rows())
            for person in (*USERS, *(f"anon:d-{user}" for user in USERS), "nobody"):
                assert known.people.account_of(person) == named.get(person)
        project.stop_following()
        kept = KeptFiles(project.root / STATE_FOLDER).last_known()
        assert kept is not None
        assert_frame_equal(kept.people.everybody, whole)
        assert_frame_equal(kept.frames[0], latest)


def test_the_newer_frame_counts_and_what_is_gone_is_gone() -> None:
    older = pl.DataFrame({"account_id": ["a", "b", "c"], "score": [1.0, 2.0, 3.0]})
    newer = pl.DataFrame({"account_id": ["b"], "score": [9.0]})
    known = LastKnown((newer, older), frozenset({"c"}), People())
    assert [known.row(name) for name in "abcd"] == [
        {"account_id": "a", "score": 1.0},
        {"account_id": "b", "score": 9.0},
        None,
        None,
    ]


def test_files_are_read_again_when_they_change_and_only_then(tmp_path) -> None:
    files = KeptFiles(tmp_path)
    assert files.last_known() is None
    frame = pl.DataFrame({"account_id": ["a"], "score": [1.0]})
    keep_latest(tmp_path, frame)
    first = files.last_known()
    assert first is not None
    assert first.people.account_of("u") is None
    assert files.last_known() is first
    keep_people(tmp_path, pl.DataFrame({"person": ["u"], "account_id": ["a"]}))
    again = files.last_known()
    assert again is not None
    assert again.people.account_of("u") == "a"
