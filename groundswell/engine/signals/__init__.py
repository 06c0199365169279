"""What is listened for, what came of it lately, and changing it where it is written."""

from groundswell.engine.signals.answers import BlockChange, BlockText, Signs, Weighed, Written
from groundswell.engine.signals.editing import BLOCKS
from groundswell.engine.signals.signals import Signals

__all__ = ["BLOCKS", "BlockChange", "BlockText", "Signals", "Signs", "Weighed", "Written"]
