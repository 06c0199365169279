"""The ring of notices: numbered, bounded, and worded only for those who listen."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from groundswell.engine.feed import Feed
from groundswell.engine.reports import Notice

NOON = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Draft:
    names: tuple[str, ...]
    at: dt.datetime = NOON

    def __len__(self) -> int:
        return len(self.names)


def word(feed: Feed) -> int:
    """Put into words what there is; return how many drafts there were."""
    drafts = feed.drafts()
    for item in drafts:
        notices = [Notice("event", item.draft.at, name, "") for name in item.draft.names]
        feed.put(list(enumerate(notices, item.first)))
    return len(drafts)


def names(heard) -> list[str]:
    return [notice.what for _, notice in heard.notices]


def test_who_listens_hears_what_comes_from_then_on():
    feed, woken = Feed(), []
    feed.add(Draft(("before",)))
    with feed.listen(lambda: woken.append(1)) as listener:
        feed.add(Draft(("a", "b")))
        word(feed)
        assert woken
        heard = listener.hear(10)
        assert (names(heard), heard.lost) == (["a", "b"], 0)
        assert names(listener.hear(10)) == []


def test_nothing_is_worded_while_nobody_listens_and_nothing_is_forgotten():
    feed = Feed()
    feed.add(Draft(("a",)))
    assert word(feed) == 0
    with feed.listen(lambda: None, after=feed.mark(0)) as listener:
        assert word(feed) == 1
        assert names(listener.hear(10)) == ["a"]
    feed.add(Draft(("b",)))
    assert word(feed) == 0


def test_what_is_just_being_worded_is_not_missed_by_who_begins_with_it():
    feed = Feed()
    feed.add(Draft(("a", "b")))
    with feed.listen(lambda: None):
        (taken,) = feed.drafts()
        with feed.listen(lambda: None, since=NOON) as late:
            assert late.hear(10).lost == 0
            notices = [Notice("event", NOON, name, "") for name in taken.draft.names]
            feed.put(list(enumerate(notices, taken.first)))
            assert names(late.hear(10)) == ["a", "b"]


def test_what_could_not_be_worded_is_let_go():
    feed = Feed()
    with feed.listen(lambda: None) as listener:
        feed.add(Draft(("unspeakable",)))
        feed.drafts()
        feed.add(Draft(("b",)))
        word(feed)
        assert names(listener.hear(10)) == ["b"]
        assert word(feed) == 0


def test_a_slow_reader_loses_the_oldest_and_is_told_how_many():
    feed = Feed(size=5)
    with feed.listen(lambda: None) as slow, feed.listen(lambda: None) as quick:
        heard = []
        for number in range(12):
            feed.add(Draft((f"n{number}",)))
            word(feed)
            heard += names(quick.hear(10))
        assert heard == [f"n{number}" for number in range(12)]
        late = slow.hear(2)
        assert (names(late), late.lost) == (["n7", "n8"], 7)
        rest = slow.hear(10)
        assert (names(rest), rest.lost) == (["n9", "n10", "n11"], 0)


def test_what_nobody_heard_is_bounded_too():
    feed = Feed(size=5)
    for number in range(100):
        feed.add(Draft((f"a{number}", f"b{number}")))
    assert sum(len(item.draft) for item in feed._drafts) <= 6
    with feed.listen(lambda: None, after=feed.mark(0)) as listener:
        word(feed)
        heard = listener.hear(100)
        assert (names(heard)[-1], len(heard.notices) + heard.lost) == ("b99", 200)


def test_one_goes_on_where_one_was_and_with_another_feed_from_its_beginning():
    feed = Feed()
    with feed.listen(lambda: None) as listener:
        feed.add(Draft(("a", "b", "c")))
        word(feed)
        first = listener.hear(2)
        mark = feed.mark(first.notices[-1][0])
    feed.add(Draft(("d",)))
    with feed.listen(lambda: None, after=mark) as again:
        word(feed)
        assert names(again.hear(10)) == ["c", "d"]
    other = Feed()
    other.add(Draft(("new",)))
    with other.listen(lambda: None, after=mark) as again:
        word(other)
        assert (names(again.hear(10)), again.hear(10).lost) == (["new"], 0)
    for odd in ("", "nonsense", f"{feed.name}.x", f"{feed.name}.{10**30}", f"{feed.name}.99"):
        with feed.listen(lambda: None, after=odd) as strange:
            assert strange.place <= 4


def test_one_may_begin_with_what_came_within_a_time():
    feed = Feed()
    with feed.listen(lambda: None):
        feed.add(Draft(("old",), NOON - dt.timedelta(hours=1)))
        word(feed)
    feed.add(Draft(("new",), NOON))
    with feed.listen(lambda: None, since=NOON - dt.timedelta(minutes=5)) as listener:
        word(feed)
        assert names(listener.hear(10)) == ["new"]
    with feed.listen(lambda: None, since=NOON - dt.timedelta(days=1)) as listener:
        assert names(listener.hear(10)) == ["old", "new"]


def test_the_end_wakes_everybody():
    feed, woken = Feed(), []
    with feed.listen(lambda: woken.append(1)):
        feed.end()
    assert (feed.ended, woken) == (True, [1])
