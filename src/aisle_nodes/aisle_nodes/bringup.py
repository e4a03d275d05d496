"""What the launch files share: arguments, and nodes with their parameters."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    GroupAction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node, PushRosNamespace, SetParameter

T = TypeVar("T", int, float, str)

RESPAWN_DELAY_S = 1.0


def share(*parts: str) -> str:
    """Return the path of an installed file of aisle_bringup."""
    return str(Path(get_package_share_directory("aisle_bringup"), *parts))


Described = Mapping[str, tuple[str | None, str]]
"""Default and description of launch arguments by name; without a default one must be given."""


def declare(own: Described, *, use_sim_time: str) -> list[DeclareLaunchArgument]:
    """Return a launch file's own arguments, and those that every launch file has."""
    common: Described = {
        "namespace": ("", "Namespace of all nodes and relative topics"),
        "use_sim_time": (use_sim_time, "Take time from /clock"),
        "params_file": (
            share("config", "params", "aisle.yaml"),
            "Parameter file for all nodes; arguments given here win over it",
        ),
        "autostart": ("true", "Nodes configure and activate themselves"),
        "log_level": ("info", "debug, info, warn, error or fatal"),
        "state_dir": ("", "Folder of ledger and states; empty for one below ~/.ros/aisle"),
        "model": ("", "Receipt model (ONNX file); empty for the one that is shipped"),
        "record": ("", "Folder of a new bag of the run; empty for none"),
        "dds_profile": (
            share("config", "dds", "scales.xml"),
            "Fast DDS profile of the nodes; empty for that of the environment",
        ),
        "respawn": ("true", "Start a node again 1 s after it died"),
    }
    return [
        DeclareLaunchArgument(name, default_value=value, description=text)
        for name, (value, text) in {**own, **common}.items()
    ]


def argument(context: LaunchContext, name: str, kind: type[T]) -> T:
    """Return the value of a launch argument.

    Raises:
        RuntimeError: it is not of this kind; the text names argument and value.
    """
    text = LaunchConfiguration(name).perform(context)
    try:
        return kind(text)
    except ValueError:
        raise RuntimeError(f"launch argument {name} must be {kind.__name__}, is {text!r}") from None


def flag(context: LaunchContext, name: str) -> bool:
    """Return a launch argument that is true or false.

    Raises:
        RuntimeError: it is neither.
    """
    text = argument(context, name, str).lower()
    if text not in ("true", "false"):
        raise RuntimeError(f"launch argument {name} must be true or false, is {text!r}")
    return text == "true"


def state_dir(context: LaunchContext, name: str, *, keep: bool = False) -> Path:
    """Return the folder for states; without one given, one named after the store.

    A rig keeps it from start to start (`keep`): ledger, tares and open sessions live there. A
    simulation or a replay gets a new one each time.
    """
    given = argument(context, "state_dir", str)
    if given:
        return Path(given).expanduser().absolute()
    if keep:
        return Path.home() / ".ros" / "aisle" / name
    return Path.home() / ".ros" / "aisle" / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"


def node(
    context: LaunchContext,
    executable: str,
    parameters: Mapping[str, Any],
    *,
    name: str = "",
    respawn: bool = True,
) -> Node:
    """Return a node of aisle_nodes with the common settings; empty parameters are left out."""
    given = {key: value for key, value in parameters.items() if value not in ("", (), [])}
    return Node(
        package="aisle_nodes",
        executable=executable,
        name=name or executable,
        parameters=[
            argument(context, "params_file", str),
            {"autostart": flag(context, "autostart"), **given},
        ],
        ros_arguments=["--log-level", argument(context, "log_level", str)],
        respawn=respawn and flag(context, "respawn"),
        respawn_delay=RESPAWN_DELAY_S,
        output="screen",
    )


def checkout_nodes(
    context: LaunchContext, folder: str, *, catalogue: str, cameras: bool
) -> list[Node]:
    """Return the fusion and the ledger.

    Args:
        context: Of the launch.
        folder: For their states.
        catalogue: Folder of a store whose pictures show the products; may be empty.
        cameras: Whether anybody publishes the store's cameras: a fusion waits for them.
    """
    fusion = {
        "model": argument(context, "model", str),
        "state_dir": folder,
        "catalogue": catalogue,
        "cameras": cameras,
    }
    return [
        node(context, "fusion_node", fusion),
        node(context, "receipt_node", {"database": f"sqlite:///{folder}/ledger.db"}),
    ]


def group(context: LaunchContext, actions: list[Any]) -> GroupAction:
    """Return the actions with namespace, clock and DDS profile of the arguments."""
    profile = argument(context, "dds_profile", str)
    variables = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    return GroupAction(
        [
            *(SetEnvironmentVariable(name, profile) for name in variables if profile),
            PushRosNamespace(argument(context, "namespace", str)),
            SetParameter("use_sim_time", flag(context, "use_sim_time")),
            *actions,
        ]
    )


def recorder(context: LaunchContext) -> list[ExecuteProcess]:
    """Return `aisle record` where the argument `record` names a bag."""
    bag = argument(context, "record", str)
    clock = ["--use-sim-time"] if flag(context, "use_sim_time") else []
    command = ["aisle", "record", "--out", bag, *clock]
    if not bag:
        return []
    # Completing a long bag takes its time.
    return [ExecuteProcess(cmd=command, name="recorder", output="screen", sigterm_timeout="60")]


def end_with(player: Node, *, respawned: bool) -> RegisterEventHandler:
    """Return a handler that ends the launch when `player` has ended.

    A player that died and is started again ends nothing.
    """

    def ended(event: Any, _: LaunchContext) -> list[EmitEvent]:
        over = event.returncode == 0 or not respawned
        return [EmitEvent(event=Shutdown(reason="the end"))] if over else []

    return RegisterEventHandler(OnProcessExit(target_action=player, on_exit=ended))
