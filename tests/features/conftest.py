"""A world in which nothing happens."""

from __future__ import annotations

import pytest

from .worlds import World


@pytest.fixture
def empty_world() -> World:
    return World(events=[], filings=[], accounts=2, people=0, members=[], merges=[])
