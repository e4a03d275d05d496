"""Stand-in for the package ``launch_ros`` of ROS 2: the part that this project uses."""

from launch._left_out import refuse

from . import actions, parameter_descriptions, substitutions, utilities

__all__ = ["actions", "parameter_descriptions", "substitutions", "utilities"]

__getattr__ = refuse(["ROSAdapter", "get_ros_adapter", "remap_rule_type"], __name__)
