"""From decisions to people: handoffs are opened, given to reps, followed, and told of."""

from groundswell.engine.handing.book import Book

__all__ = ["Book"]
