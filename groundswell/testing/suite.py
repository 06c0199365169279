"""The checks of destinations as tests for pytest, which this module alone needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groundswell.testing.checks import CHECKS
from groundswell.testing.subject import NotOffered, Subject

if TYPE_CHECKING:
    from collections.abc import Callable


class DestinationSuite:
    """Tests that every destination passes.

    Inherit from it in a class whose name begins with `Test`, and give it a fixture `subject` that
    returns a `Subject`.
    """

    @pytest.fixture
    def subject(self) -> Subject:
        """Return the destination under test and how its system is looked into."""
        raise NotImplementedError("give the class a fixture `subject`")

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_destination(self, subject: Subject, check: Callable[[Subject], None]) -> None:
        """Run one check; what the destination does not offer is skipped, with the reason."""
        try:
            check(subject)
        except NotOffered as reason:
            pytest.skip(str(reason))
