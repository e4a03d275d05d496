#!/usr/bin/env python3
"""Healthy when every node that should run reports on /diagnostics and none reports an error.

Usage: healthcheck.py NODE... ; exit code 0 when healthy, 1 otherwise with the reason.
"""

from __future__ import annotations

import sys
import time

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

LISTEN_S = 5.0


def main(expected: list[str]) -> int:
    """Listen until all expected nodes have spoken, at most LISTEN_S; return the exit code."""
    worst: dict[str, int] = {}

    def hear(message: DiagnosticArray) -> None:
        for status in message.status:
            level = int.from_bytes(status.level, "little")
            for node in expected:
                if node in status.name:
                    worst[node] = max(worst.get(node, 0), level)

    rclpy.init()
    node = rclpy.create_node("healthcheck")
    node.create_subscription(DiagnosticArray, "/diagnostics", hear, 10)
    end = time.monotonic() + LISTEN_S
    while len(worst) < len(expected) and time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.2)
    rclpy.shutdown()
    error = int.from_bytes(DiagnosticStatus.ERROR, "little")
    silent = [name for name in expected if name not in worst]
    broken = [name for name, level in worst.items() if level >= error]
    if silent or broken:
        print(f"silent: {silent}, in error: {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
