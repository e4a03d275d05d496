"""What may stand where entities are wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

from .launch_description_entity import LaunchDescriptionEntity

SomeEntitiesType = Union[  # noqa: UP007  a run-time alias
    LaunchDescriptionEntity, Iterable[LaunchDescriptionEntity]
]
SomeActionsType = SomeEntitiesType
