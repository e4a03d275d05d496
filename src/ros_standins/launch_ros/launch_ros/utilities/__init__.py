"""Helpers for names and parameters."""

from .namespaces import is_absolute_name, make_namespace_absolute, prefix_namespace
from .parameters import evaluate_parameters, normalize_parameters

__all__ = [
    "evaluate_parameters",
    "is_absolute_name",
    "make_namespace_absolute",
    "normalize_parameters",
    "prefix_namespace",
]
