"""Measuring: what came of it all, in numbers that carry their uncertainty and their accounts."""
