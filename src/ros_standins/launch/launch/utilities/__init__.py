"""Helpers that launch files and extensions use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import yaml

from ..launch_description_entity import LaunchDescriptionEntity
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitution import Substitution

if TYPE_CHECKING:
    from ..launch_context import LaunchContext

__all__ = [
    "ensure_argument_type",
    "is_a_subclass",
    "normalize_to_list_of_entities",
    "normalize_to_list_of_substitutions",
    "perform_bool_substitution",
    "perform_substitutions",
    "visit_all_entities",
    "visit_all_entities_and_collect_futures",
]


def _as_substitution(value: Any) -> Substitution:
    from ..substitutions import TextSubstitution

    if isinstance(value, Substitution):
        return value
    if isinstance(value, str):
        return TextSubstitution(text=value)
    if isinstance(value, PathLike):
        return TextSubstitution(text=str(fspath(value)))
    raise TypeError(
        f"a text or a substitution is wanted, got '{value!r}' of type '{type(value).__name__}'"
    )


def normalize_to_list_of_substitutions(value: SomeSubstitutionsType) -> list[Substitution]:
    """Turn a text, a path, a substitution or an iterable of them into a list.

    Raises:
        TypeError: It is something else, or something else is among them.
    """
    if isinstance(value, str | Substitution | PathLike):
        return [_as_substitution(value)]
    return [_as_substitution(item) for item in value]


def perform_substitutions(context: LaunchContext, subs: Iterable[Substitution]) -> str:
    """Perform each substitution and join the texts."""
    return "".join(context.perform_substitution(sub) for sub in subs)


def perform_bool_substitution(context: LaunchContext, value: bool | SomeSubstitutionsType) -> bool:
    """Evaluate a truth value given as ``bool`` or as text that YAML reads as one.

    Raises:
        ValueError: The text is not a truth value.
    """
    if isinstance(value, bool):
        return value
    text = perform_substitutions(context, normalize_to_list_of_substitutions(value))
    parsed = yaml.safe_load(text)
    if not isinstance(parsed, bool):
        raise ValueError(f"'{text}' is not a truth value")
    return parsed


def normalize_to_list_of_entities(entities: Any) -> list[LaunchDescriptionEntity]:
    """Flatten an entity, an iterable (also nested) of entities, or ``None`` into a list.

    Raises:
        TypeError: Something that is no entity is among them.
    """
    if entities is None:
        return []
    if isinstance(entities, LaunchDescriptionEntity):
        return [entities]
    if isinstance(entities, Iterable) and not isinstance(entities, str):
        return [flat for item in entities for flat in normalize_to_list_of_entities(item)]
    raise TypeError(f"an entity is wanted, got '{entities!r}'")


def is_a_subclass(value: object, kind: type) -> bool:
    """Tell whether ``value`` is an instance or a subclass of ``kind``."""
    return isinstance(value, kind) or (isinstance(value, type) and issubclass(value, kind))


def ensure_argument_type(
    argument: object, types: type | Sequence[type], argument_name: str, caller: str
) -> None:
    """Check the type of an argument.

    Raises:
        TypeError: ``argument`` is of none of ``types``.
    """
    allowed = (types,) if isinstance(types, type) else tuple(types)
    if not any(is_a_subclass(argument, kind) for kind in allowed):
        names = ", ".join(kind.__name__ for kind in allowed)
        raise TypeError(
            f"{caller} wants '{argument_name}' to be one of [{names}], "
            f"got '{argument!r}' of type '{type(argument).__name__}'"
        )


def visit_all_entities(
    entity: LaunchDescriptionEntity, context: LaunchContext
) -> Iterator[tuple[LaunchDescriptionEntity, asyncio.Future[None]]]:
    """Visit an entity and, depth first, all that its visit returns.

    Yields:
        Each entity with something to wait for, with its future, right after its visit.
    """
    sub_entities = entity.visit(context)
    future = entity.get_asyncio_future()
    if future is not None:
        yield entity, future
    for sub_entity in sub_entities or ():
        yield from visit_all_entities(sub_entity, context)


def visit_all_entities_and_collect_futures(
    entity: LaunchDescriptionEntity, context: LaunchContext
) -> list[tuple[LaunchDescriptionEntity, asyncio.Future[None]]]:
    """Visit all entities and return those with something to wait for, with their futures."""
    return list(visit_all_entities(entity, context))
