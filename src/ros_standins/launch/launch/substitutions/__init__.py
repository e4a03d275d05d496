"""Texts that are known only while launching."""

from .._left_out import refuse
from .logic import (
    AllSubstitution,
    AndSubstitution,
    AnySubstitution,
    EqualsSubstitution,
    NotEqualsSubstitution,
    NotSubstitution,
    OrSubstitution,
)
from .python_expression import PythonExpression
from .system import (
    AnonName,
    Command,
    FileContent,
    FindExecutable,
    LaunchLogDir,
    ThisLaunchFile,
    ThisLaunchFileDir,
)
from .text import (
    EnvironmentVariable,
    IfElseSubstitution,
    LaunchConfiguration,
    LocalSubstitution,
    PathJoinSubstitution,
    StringJoinSubstitution,
    SubstitutionFailure,
    TextSubstitution,
)

__all__ = [
    "AllSubstitution",
    "AndSubstitution",
    "AnonName",
    "AnySubstitution",
    "Command",
    "EnvironmentVariable",
    "EqualsSubstitution",
    "FileContent",
    "FindExecutable",
    "IfElseSubstitution",
    "LaunchConfiguration",
    "LaunchLogDir",
    "LocalSubstitution",
    "NotEqualsSubstitution",
    "NotSubstitution",
    "OrSubstitution",
    "PathJoinSubstitution",
    "PythonExpression",
    "StringJoinSubstitution",
    "SubstitutionFailure",
    "TextSubstitution",
    "ThisLaunchFile",
    "ThisLaunchFileDir",
]

__getattr__ = refuse(
    ["BooleanSubstitution", "ForEachVar", "ForLoopIndex", "Parser", "PathSubstitution"], __name__
)
