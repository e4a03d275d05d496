"""What may stand where actions are wanted."""

from .some_entities_type import SomeActionsType

__all__ = ["SomeActionsType"]
