"""What authors of destinations test theirs with.

`DestinationSuite` of `groundswell.testing.suite` is the same for pytest; only that module needs
pytest.
"""

from groundswell.testing.checks import CHECKS, check_destination
from groundswell.testing.samples import HOSTILE_LINE, HOSTILE_TEXT, sample
from groundswell.testing.subject import NotOffered, Subject

__all__ = [
    "CHECKS",
    "HOSTILE_LINE",
    "HOSTILE_TEXT",
    "NotOffered",
    "Subject",
    "check_destination",
    "sample",
]
