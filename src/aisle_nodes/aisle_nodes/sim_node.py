"""sim_node: the time, the doors and the truth of a simulated store.

Scales, gate and cameras of the simulation are played by weight_node, gate_node and camera_node,
which rebuild the same simulation from the same parameters.
"""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.utilities import try_shutdown
from sensor_msgs.msg import JointState
from std_msgs.msg import String

from aisle.bags.convert_joints import joints_to_message
from aisle.bags.truth import session_json, truth_of
from aisle.store.names import door_joint
from aisle_nodes.interfaces import JOINT_QOS, JOINT_STATES, TRUTH, TRUTH_QOS, TYPES
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.played_clock import ClockPublisher, PlayedClock
from aisle_nodes.schemas import SimParameters
from aisle_nodes.simulated import simulation_of


class SimNode(AisleNode[SimParameters]):
    """Publishes `/clock`, `store/joint_states`, and each session's truth when it has left.

    After a restart time goes on as if it had not stopped, and the truth of all sessions that have
    left is published again. The node ends by itself, with exit code 0, at the end of the
    scenario.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("sim_node", SimParameters, **options)
        self._time: ClockPublisher | None = None

    def configure(self) -> None:
        """Rebuild the simulation."""
        # Here, so that the node's help and its refusals do not load the simulator.
        from aisle.sim.doors import door_angles

        simulation = simulation_of(self.params)
        duration_s = self.params.duration_s or simulation.duration_s + self.params.settle_s
        self._end_ns = self.params.start_ns + round(duration_s * 1e9)
        sessions = [s for s in truth_of(simulation).values() if s.exit_ns is not None]
        self._left = sorted(sessions, key=lambda session: session.exit_ns or 0)
        self._truth = self.create_lifecycle_publisher(String, TRUTH, TRUTH_QOS)
        self._angles = partial(door_angles, simulation)
        self._doors = self.create_lifecycle_publisher(JointState, JOINT_STATES, JOINT_QOS)
        folder = self.params.state_dir
        self._path = Path(folder) / "clock.json" if folder else None

    def activate(self) -> None:
        """Let time run, from the present if it ran before."""
        params, kept = self.params, None
        self._doors_ns = 0
        if self._path is not None:
            kept = PlayedClock.resumed(self._path, params.start_ns, params.speed)
        self._time = ClockPublisher(
            self,
            kept,
            self._begin,
            self._tick,
            wait_for=params.wait_for,
            wait_limit_s=params.wait_limit_s,
            subscribers=params.wait_subscribers,
            publishers=params.wait_for_publishers,
        )

    def deactivate(self) -> None:
        """Stop time."""
        if self._time is not None:
            self._time.stop()
            self._time = None

    def _begin(self) -> PlayedClock:
        clock = PlayedClock(self.params.start_ns, time.time_ns(), self.params.speed)
        if self._path is not None:
            clock.keep(self._path)
        self.get_logger().info(f"time begins, {len(self._left)} sessions will come")
        return clock

    def _tick(self, now_ns: int) -> None:
        if now_ns >= self._doors_ns:
            self._doors_ns = now_ns + round(1e9 / self.params.door_rate_hz)
            doors = self._angles(now_ns)
            positions = {door_joint(fixture): angle for fixture, angle in doors.items()}
            if positions:
                self._doors.publish(joints_to_message(positions, now_ns, TYPES))
        while self._left and (self._left[0].exit_ns or 0) <= now_ns:
            session = self._left.pop(0)
            self._truth.publish(String(data=json.dumps(session_json(session))))
        if now_ns >= self._end_ns:
            self.get_logger().info("the simulation is over")
            self.deactivate()
            try_shutdown()


main = main_of(SimNode)
