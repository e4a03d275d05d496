"""Stand-in for the package ``launch_ros`` of ROS 2: the part that this project uses."""

from launch._left_out import refuse

from . import (
    actions,
    descriptions,
    event_handlers,
    events,
    parameter_descriptions,
    substitutions,
    utilities,
)
from .ros_adapters import ROSAdapter, get_ros_adapter, get_ros_node

__all__ = [
    "ROSAdapter",
    "actions",
    "descriptions",
    "event_handlers",
    "events",
    "get_ros_adapter",
    "get_ros_node",
    "parameter_descriptions",
    "substitutions",
    "utilities",
]

__getattr__ = refuse(["parameters_type", "remap_rule_type"], __name__)
