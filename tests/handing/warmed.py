"""Imported by a process that others are forked from: what ships is then read once for all."""

from groundswell.config import presets

presets.shipped_blocks()
presets.shipped_meanings()
presets.shipped_features(presets.DEFAULT_WINDOWS)
presets.shipped_score("hybrid")
