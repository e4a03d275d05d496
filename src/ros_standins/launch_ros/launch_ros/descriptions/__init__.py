"""Descriptions of parameters."""

from launch._left_out import refuse

from ..parameter_descriptions import Parameter, ParameterFile, ParameterValue

__all__ = ["Parameter", "ParameterFile", "ParameterValue"]

__getattr__ = refuse(["ComposableLifecycleNode", "ComposableNode"], __name__)
