"""Actions for nodes."""

from launch._left_out import refuse

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
