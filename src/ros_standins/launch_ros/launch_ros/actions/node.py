"""A ROS node in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from launch.actions import ExecuteProcess
from launch.logging import get_logger
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.substitution import Substitution
from launch.utilities import (
    ensure_argument_type,
    normalize_to_list_of_substitutions,
    perform_substitutions,
)
from rclpy.validate_namespace import validate_namespace
from rclpy.validate_node_name import validate_node_name

from ..parameter_descriptions import Parameter
from ..substitutions import ExecutableInPackage
from ..utilities import (
    evaluate_parameters,
    make_namespace_absolute,
    normalize_parameters,
    prefix_namespace,
)

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_NO_NAME = "<node_name_unspecified>"
_NO_NAMESPACE = ""


class Node(ExecuteProcess):
    """Starts an executable of a package with ROS arguments.

    A relative namespace stands below that of :class:`PushRosNamespace`. Parameters are files or
    dictionaries, later ones win; a dictionary becomes a temporary file. The other arguments are
    those of ``ExecuteProcess``.
    """

    def __init__(
        self,
        *,
        executable: SomeSubstitutionsType,
        package: SomeSubstitutionsType | None = None,
        name: SomeSubstitutionsType | None = None,
        namespace: SomeSubstitutionsType | None = None,
        exec_name: SomeSubstitutionsType | None = None,
        parameters: Iterable[Any] | None = None,
        remappings: Iterable[tuple[SomeSubstitutionsType, SomeSubstitutionsType]] | None = None,
        ros_arguments: Iterable[SomeSubstitutionsType] | None = None,
        arguments: Iterable[SomeSubstitutionsType] | None = None,
        **kwargs: Any,
    ) -> None:
        program: Any = (
            executable
            if package is None
            else ExecutableInPackage(package=package, executable=executable)
        )
        if parameters is not None:
            ensure_argument_type(parameters, (list,), "parameters", "Node")
        super().__init__(cmd=[program, *(arguments or ())], name=exec_name, **kwargs)
        self.__package = package
        self.__node_executable = executable
        self.__node_name = name
        self.__node_namespace = namespace
        self.__parameters = None if parameters is None else normalize_parameters(parameters)
        self.__remappings = [
            (normalize_to_list_of_substitutions(old), normalize_to_list_of_substitutions(new))
            for old, new in remappings or ()
        ]
        self.__ros_arguments = list(ros_arguments or ())
        self.__expanded_name = _NO_NAME
        self.__expanded_namespace = _NO_NAMESPACE
        self.__final_name: str | None = None
        self.__expanded_remappings: list[tuple[str, str]] = []

    @property
    def node_package(self) -> SomeSubstitutionsType | None:
        """The package, as given."""
        return self.__package

    @property
    def node_executable(self) -> SomeSubstitutionsType:
        """The executable, as given."""
        return self.__node_executable

    @property
    def node_name(self) -> str:
        """The fully qualified name of the node.

        Raises:
            RuntimeError: The action is not executed yet.
        """
        if self.__final_name is None:
            raise RuntimeError("cannot access 'node_name' before executing action")
        return self.__final_name

    @property
    def expanded_node_namespace(self) -> str:
        """The namespace; empty when there is none."""
        return self.__expanded_namespace

    @property
    def expanded_remapping_rules(self) -> list[tuple[str, str]]:
        """The remapping rules, once executed."""
        return self.__expanded_remappings

    def is_node_name_fully_specified(self) -> bool:
        """Tell whether both name and namespace are given."""
        return self.__expanded_name != _NO_NAME and self.__expanded_namespace != _NO_NAMESPACE

    def execute(self, context: LaunchContext) -> Any:
        """Expand the ROS arguments and start the process."""
        self._extend_command(["--ros-args", *self.__ros_arguments])
        self._expand_names(context)
        self._expand_parameters(context)
        self._expand_remappings(context)
        return super().execute(context)

    def _extend_command(self, words: Iterable[SomeSubstitutionsType]) -> None:
        command: list[list[Substitution]] = self.process_description.cmd
        command.extend(normalize_to_list_of_substitutions(word) for word in words)

    def _expand_names(self, context: LaunchContext) -> None:
        try:
            if self.__node_name is not None:
                self.__expanded_name = _text(context, self.__node_name)
                validate_node_name(self.__expanded_name)
                self._extend_command(["-r", f"__node:={self.__expanded_name}"])
            given = None if self.__node_namespace is None else _text(context, self.__node_namespace)
            base = context.launch_configurations.get("ros_namespace")
            namespace = make_namespace_absolute(prefix_namespace(base, given))
            if namespace is not None:
                self.__expanded_namespace = namespace
                self._extend_command(["-r", f"__ns:={namespace}"])
                validate_namespace(namespace)
        except Exception:
            get_logger().error(
                "Error while expanding or validating node name or namespace for "
                "'package=%s, executable=%s, name=%s, namespace=%s'",
                self.__package,
                self.__node_executable,
                self.__node_name,
                self.__node_namespace,
            )
            raise
        self.__final_name = prefix_namespace(self.__expanded_namespace, self.__expanded_name)

    def _expand_parameters(self, context: LaunchContext) -> None:
        # Global ones first, so that the node's own win.
        for entry in context.launch_configurations.get("global_params") or []:
            if isinstance(entry, tuple):
                self._extend_command(["-p", f"{entry[0]}:={entry[1]}"])
            else:
                self._add_file(Path(entry).absolute())
        for parameter in evaluate_parameters(context, self.__parameters or []):
            if isinstance(parameter, Path):
                self._add_file(parameter)
            elif isinstance(parameter, Parameter):
                name, value = parameter.evaluate(context)
                self._extend_command(["-p", f"{name}:={yaml.dump(value)}"])
            else:
                self._add_file(self._write(parameter))

    def _add_file(self, path: Path) -> None:
        if not path.is_file():
            get_logger().warning("Parameter file path is not a file: %s", path)
            return
        self._extend_command(["--params-file", str(path)])

    def _write(self, parameters: dict[str, Any]) -> Path:
        key = self.node_name if self.is_node_name_fully_specified() else "/**"
        with tempfile.NamedTemporaryFile(
            mode="w", prefix="launch_params_", delete=False, encoding="utf-8"
        ) as file:
            yaml.safe_dump({key: {"ros__parameters": parameters}}, file, default_flow_style=False)
        return Path(file.name)

    def _expand_remappings(self, context: LaunchContext) -> None:
        rules = list(context.launch_configurations.get("ros_remaps") or [])
        rules += [
            (perform_substitutions(context, old), perform_substitutions(context, new))
            for old, new in self.__remappings
        ]
        self.__expanded_remappings = rules
        for old, new in rules:
            self._extend_command(["-r", f"{old}:={new}"])


def _text(context: LaunchContext, value: SomeSubstitutionsType) -> str:
    return perform_substitutions(context, normalize_to_list_of_substitutions(value))
