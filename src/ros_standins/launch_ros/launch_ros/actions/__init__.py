"""Actions for nodes."""

from launch._left_out import refuse

from .lifecycle_node import LifecycleNode
from .node import Node
from .scope import (
    PushROSNamespace,
    PushRosNamespace,
    SetParameter,
    SetParametersFromFile,
    SetRemap,
    SetUseSimTime,
)

__all__ = [
    "LifecycleNode",
    "Node",
    "PushROSNamespace",
    "PushRosNamespace",
    "SetParameter",
    "SetParametersFromFile",
    "SetRemap",
    "SetUseSimTime",
]

__getattr__ = refuse(
    [
        "ComposableNodeContainer",
        "LifecycleTransition",
        "LoadComposableNodes",
        "ROSTimer",
        "RosTimer",
        "SetROSLogDir",
    ],
    __name__,
)
