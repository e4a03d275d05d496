"""The front ends for XML and YAML, which are left out."""

from .._left_out import left_out

raise left_out("launch.frontend")
