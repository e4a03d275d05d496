"""Helpers of tests."""

from .keep_alive_proc import KeepAliveProc
from .proc_lookup import NoMatchingProcessException, resolveProcesses

__all__ = ["KeepAliveProc", "NoMatchingProcessException", "resolveProcesses"]
