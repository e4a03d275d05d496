"""Actions on what all nodes behind them get, until the scope ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from launch.action import Action
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions
from rclpy.validate_namespace import validate_namespace

from ..parameter_descriptions import ParameterFile
from ..utilities import make_namespace_absolute, prefix_namespace
from ..utilities.parameters import evaluate_parameter_dict, normalize_parameter_dict

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


def _text(context: LaunchContext, value: SomeSubstitutionsType) -> str:
    return perform_substitutions(context, normalize_to_list_of_substitutions(value))


class PushRosNamespace(Action):
    """Puts nodes below a namespace; inside another one it nests, an absolute one replaces."""

    def __init__(self, namespace: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__namespace = namespace

    @property
    def namespace(self) -> SomeSubstitutionsType:
        """The namespace, as given."""
        return self.__namespace

    def execute(self, context: LaunchContext) -> None:
        """Set the namespace.

        Raises:
            rclpy.exceptions.InvalidNamespaceException: It is not a valid one.
        """
        given = _text(context, self.__namespace)
        base = context.launch_configurations.get("ros_namespace")
        namespace = make_namespace_absolute(prefix_namespace(base, given))
        if namespace is None:
            return
        if namespace != "":
            validate_namespace(namespace)
        context.launch_configurations["ros_namespace"] = namespace


PushROSNamespace = PushRosNamespace


class SetParameter(Action):
    """Gives all nodes a parameter; a node's own parameters win."""

    def __init__(self, name: SomeSubstitutionsType, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        names = tuple(normalize_to_list_of_substitutions(name))
        self.__parameter = normalize_parameter_dict({names: value})

    def execute(self, context: LaunchContext) -> None:
        """Remember the parameter."""
        evaluated = evaluate_parameter_dict(context, self.__parameter)
        _append(context, "global_params", *evaluated.items())


class SetParametersFromFile(Action):
    """Gives all nodes a parameter file."""

    def __init__(self, filename: SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.__file = ParameterFile(filename)

    def execute(self, context: LaunchContext) -> None:
        """Remember the file."""
        _append(context, "global_params", str(self.__file.evaluate(context)))


class SetRemap(Action):
    """Gives all nodes a remapping rule."""

    def __init__(
        self, src: SomeSubstitutionsType, dst: SomeSubstitutionsType, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.__src = src
        self.__dst = dst

    def execute(self, context: LaunchContext) -> None:
        """Remember the rule."""
        _append(context, "ros_remaps", (_text(context, self.__src), _text(context, self.__dst)))


class SetUseSimTime(SetParameter):
    """Lets all nodes take their time from ``/clock``."""

    def __init__(self, value: bool | SomeSubstitutionsType, **kwargs: Any) -> None:
        super().__init__("use_sim_time", value, **kwargs)


def _append(context: LaunchContext, key: str, *entries: Any) -> None:
    # A new list, because the scope outside keeps the old one.
    known = context.launch_configurations.get(key) or []
    context.launch_configurations[key] = [*known, *entries]
