"""What a colleague's assistant asks and does, within what that colleague may see."""

from groundswell.engine.desk.desk import Desk

__all__ = ["Desk"]
