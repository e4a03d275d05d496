"""The base of everything that can stand in a launch description."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class LaunchDescriptionEntity:
    """Something that the launch service visits, once, in order."""

    def visit(self, context: LaunchContext) -> Sequence[LaunchDescriptionEntity] | None:
        """Do the work and return the entities to visit next."""
        raise NotImplementedError(f"{self.__class__.__name__}.visit")

    def describe(self) -> str:
        """Return a short text for people."""
        return f"{self.__class__.__name__}()"

    def get_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        """Return the entities inside, which are always visited; may be empty."""
        return []

    def describe_sub_entities(self) -> Sequence[LaunchDescriptionEntity]:
        """Return the entities inside that are visited without condition."""
        return self.get_sub_entities()

    def describe_conditional_sub_entities(
        self,
    ) -> list[tuple[str, Sequence[LaunchDescriptionEntity]]]:
        """Return pairs of (condition in words, entities visited under it)."""
        return []

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        """Return what the launch service waits for before it is idle, if anything."""
        return None
