"""Setup: from a new install to the first accounts; the project itself says where it stands."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundswell.config import suggesting
from groundswell.config.editing import WrittenBlock, find_block, write_block
from groundswell.config.template import starting_config
from groundswell.config.vocabulary import MEANINGS
from groundswell.connectors.wires.catalogue import WIRES
from groundswell.engine.keys import Keys
from groundswell.engine.signals.editing import load_changed
from groundswell.errors import GroundswellError, Problem, UsageError
from groundswell.features.meanings import meanings_of
from groundswell.web.site.visit import Answer, Moved, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundswell.engine.reports import AccountRow
    from groundswell.store.inbox import WriteKey
    from groundswell.web.site.sources import Counted
    from groundswell.web.site.visit import Visit

SETUP = "/setup"
MOST_EVENTS = 40
FIRST_ACCOUNTS = 5
LONGEST_NAME = 60
FEW = 100_000
"""So many events are counted at once; more are counted beside, every now and then."""
NOTHING = ""
SNIPPETS: dict[str, str] = {
    "segment": 'new Analytics({{ writeKey: "{key}", host: "{url}" }})',
    "rudderstack": 'new RudderAnalytics("{key}", {{ dataPlaneUrl: "{url}" }})',
    "posthog": 'posthog.init("{key}", {{ api_host: "{url}" }})',
    "mixpanel": 'mixpanel.init("{key}", {{ api_host: "{url}" }})',
    "amplitude": 'amplitude.init("{key}", {{ serverUrl: "{url}/2/httpapi" }})',
    "heap": "POST {url}/api/track with app_id {key}",
}
"""What is changed in a client of each system, for it to send here."""
PRESETS: dict[str, str] = {
    "hybrid": "Usage, fit and behaviour, weighed. For most: a product with accounts of every size.",
    "points": "Points for each thing that is done. Where everybody should be able to add it up.",
    "buckets": "Five kinds of behaviour, times how well the company fits. For big and small ones.",
}
"""The scores to begin with: whom each is for."""
_SCORE = "score:\n  preset: {}\n"
_SCORES = frozenset(_SCORE.format(name) for name in PRESETS)


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event by its name.

    Attributes:
        name: As it was sent.
        count: How often it came.
        meaning: What it means by the configuration; else what its name suggests; empty for neither.
        is_mapped: Whether the configuration says so.
    """

    name: str
    count: int
    meaning: str
    is_mapped: bool


@dataclass(frozen=True, slots=True)
class Proposed:
    """A change of the configuration that is to be made by hand.

    Attributes:
        block: What of it.
        diff: How the file changes.
    """

    block: str
    diff: str


@dataclass(frozen=True, slots=True)
class SeenPart:
    """What came until now, and the first accounts.

    Attributes:
        counted: Where events come from.
        events: How many came.
        names: How many names they have.
        accounts: The best ones that are scored, best first.
        qualified: How many of all qualify.
        scored: How many are scored.
    """

    counted: Counted
    events: int
    names: int
    accounts: tuple[AccountRow, ...]
    qualified: int
    scored: int


@dataclass(frozen=True, slots=True)
class SetupPage:
    """Where a new install stands.

    Attributes:
        keys: Good write keys, by source.
        systems: Systems that send, by name, and what they are called.
        shown_once: A new key, its source, and what to change in the client; None where none is.
        seen: What came, and the first accounts.
        events: The events that came most often, by name.
        meanings: What an event can mean.
        activation: The event that says that an account got its first value; empty for none.
        may_map: Whether the page may write what events mean.
        presets: Scores to begin with, and whom each is for.
        preset: The one in use.
        reps: How many people are on teams.
        taking_up: Whether the server is about to take up what was written.
        proposed: A change that is to be made by hand; None where none is.
    """

    keys: tuple[WriteKey, ...]
    systems: Mapping[str, str]
    shown_once: tuple[str, str, str] | None
    seen: SeenPart
    events: tuple[SeenEvent, ...]
    meanings: tuple[str, ...]
    activation: str
    may_map: bool
    presets: Mapping[str, str]
    preset: str
    reps: int
    taking_up: bool
    proposed: Proposed | None = None


def show_setup(visit: Visit) -> Answer:
    """Show where the install stands, and what comes next."""
    return Shown("setup.html", read_setup(visit), "Setup")


def show_seen(visit: Visit) -> Answer:
    """Show what came until now, and the first accounts; a part of the page."""
    if sum(visit.site.sources.read().names.values()) < FEW:
        visit.site.sources.forget()
    return Shown("part_setup.html", read_seen(visit), "What came")


def create_key(visit: Visit) -> Answer:
    """Make a write key for a system, and show it this once.

    Raises:
        UsageError: There is no such system, or the source has a key of another one.
    """
    system = visit.form.get("system", "")
    name = visit.form.get("name", "").strip()[:LONGEST_NAME] or system
    made = Keys(visit.project.ledger, visit.project.clock).create(name, system)
    visit.note("write_key.create", about=name, system=system)
    url = visit.form.get("url", "").rstrip("/")
    snippet = SNIPPETS.get(system, "POST {url} with {key}").format(key=made.key, url=url)
    return Shown("setup.html", read_setup(visit, shown_once=(name, made.key, snippet)), "Setup")


def map_events(visit: Visit) -> Answer:
    """Write what events mean, as the form says.

    Raises:
        ConfigError: The configuration would have mistakes.
        UsageError: It was changed meanwhile.
    """
    chosen: dict[str, list[str]] = {}
    seen = read_events(visit)
    said = {
        name: visit.form.get(field.replace("event-", "meaning-", 1), NOTHING)
        for field, name in visit.form.items()
        if field.startswith("event-")
    }
    for event in seen:  # others may have come since the page was made, and more of some
        meaning = said.get(event.name, event.meaning if event.is_mapped else NOTHING)
        if meaning in MEANINGS:
            chosen.setdefault(meaning, []).append(event.name)
    activation = visit.form.get("activation", "")
    if activation in {event.name for event in seen}:
        chosen.setdefault("activated", [])
        chosen["activated"] = list(dict.fromkeys([*chosen["activated"], activation]))
    with suppress(GroundswellError):  # what this page wrote before stays, though it came less often
        before = suggesting.read_events(find_block(visit.project.root, "events").text) or {}
        shown = {event.name for event in seen}
        for meaning, names in before.items():
            kept = [name for name in names if name not in shown]
            chosen[meaning] = [*chosen.get(meaning, []), *kept]
    ordered = {name: chosen[name] for name in MEANINGS if name in chosen}
    return _change(visit, "events", suggesting.write_events(ordered))


def choose_score(visit: Visit) -> Answer:
    """Write which score is begun with.

    Raises:
        ConfigError: The configuration would have mistakes.
        UsageError: There is no such score, or the file was changed meanwhile.
    """
    preset = visit.form.get("preset", "")
    if preset not in PRESETS:
        raise UsageError(
            Problem("setup-preset", f"There is no score `{preset[:40]}`.", "Choose one of these.")
        )
    return _change(visit, "score", _SCORE.format(preset))


def read_setup(
    visit: Visit,
    *,
    shown_once: tuple[str, str, str] | None = None,
    proposed: Proposed | None = None,
) -> SetupPage:
    """Return where the install stands."""
    project = visit.project
    loaded = project.loaded
    good = [key for key in project.ledger.write_keys() if key.revoked_at is None]
    events = read_events(visit)
    activated = [one.events[0] for one in loaded.meanings if one.name == "activated" and one.events]
    return SetupPage(
        keys=tuple({key.name: key for key in good}.values()),
        systems={name: WIRES[name].title for name in SNIPPETS},
        shown_once=shown_once,
        seen=read_seen(visit),
        events=events,
        meanings=tuple(MEANINGS),
        activation=next((name for name in activated if name in {e.name for e in events}), ""),
        may_map=_may_write(visit, "events"),
        presets=PRESETS,
        preset=loaded.config.score.preset,
        reps=len({one.email for team in loaded.teams.values() for one in team.members}),
        taking_up=visit.site.renewing(),
        proposed=proposed,
    )


def read_seen(visit: Visit) -> SeenPart:
    """Return what came until now, and the first accounts."""
    project = visit.project
    counted = visit.site.sources.read()
    accounts: tuple[AccountRow, ...] = ()
    scored = qualified = 0
    with suppress(UsageError):  # nobody was scored yet
        frame = project.looker.latest()
        scored, qualified = frame.height, int(frame["qualified"].sum())
        accounts = tuple(project.accounts(limit=FIRST_ACCOUNTS))
    return SeenPart(
        counted, sum(counted.names.values()), len(counted.names), accounts, qualified, scored
    )


def read_events(visit: Visit) -> tuple[SeenEvent, ...]:
    """Return the events that came most often, with what each means or may mean."""
    counts = visit.site.sources.read().names
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_EVENTS]
    meanings = visit.project.loaded.meanings
    found: list[SeenEvent] = []
    for name, count in most:
        known = [told.partition(":")[0] for told in meanings_of(name, meanings)]
        known.sort(key="activated".__eq__)  # that is asked for by itself
        found.append(
            SeenEvent(
                name,
                count,
                known[0] if known else suggesting.suggest_meaning(name) or NOTHING,
                bool(known),
            )
        )
    return tuple(found)


def _may_write(visit: Visit, block: str) -> bool:
    """Tell whether this page may write a block: it is as `init` wrote it, or as this page did.

    What somebody wrote by hand it may write where pages may write all; but what events mean says
    more by hand than this page knows of, which would be lost.
    """
    if visit.project.loaded.config.web.write_config and block != "events":
        return True
    try:
        text = find_block(visit.project.root, block).text
    except GroundswellError:  # it is written so that pages do not change it
        return False
    begun = not text or text in starting_config(visit.project.loaded.config.company)
    return begun or text in _SCORES or suggesting.read_events(text) is not None


def _change(visit: Visit, block: str, text: str) -> Answer:
    """Write a block and let the server take it up; or show what is to be changed by hand."""
    written: WrittenBlock = find_block(visit.project.root, block)
    load_changed(written, text, visit.project.environ)
    if not _may_write(visit, block):
        proposed = Proposed(block, written.diff(text))
        return Shown("setup.html", read_setup(visit, proposed=proposed), "Setup")
    write_block(written, text)
    visit.note("config.write", about=block, by="setup")
    visit.site.renew()
    return Moved(SETUP)
