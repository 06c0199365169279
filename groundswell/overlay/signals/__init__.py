"""The seven signs that self-serve needs sales beside it, quarter by quarter."""

from groundswell.overlay.signals.reading import quarters_read, read_signals
from groundswell.overlay.signals.signal import (
    KINDS,
    Evidence,
    Reading,
    Signal,
    SignalKind,
    SignalState,
    judge,
)

__all__ = [
    "KINDS",
    "Evidence",
    "Reading",
    "Signal",
    "SignalKind",
    "SignalState",
    "judge",
    "quarters_read",
    "read_signals",
]
