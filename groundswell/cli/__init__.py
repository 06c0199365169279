"""The command line: calls the engine and renders what it returns."""

from groundswell.cli.app import main

__all__ = ["main"]
