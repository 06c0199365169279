"""The configuration: what may be written, reading it with positions, and explaining it."""
