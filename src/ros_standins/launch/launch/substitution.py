"""The base of all substitutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class Substitution:
    """A text that is only known while launching."""

    def describe(self) -> str:
        """Return a short text for people."""
        return self.__class__.__name__

    def perform(self, context: LaunchContext) -> str:
        """Return the text in ``context``."""
        raise NotImplementedError(f"{self.__class__.__name__}.perform")
