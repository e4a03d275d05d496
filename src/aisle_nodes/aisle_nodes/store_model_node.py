"""store_model_node: the store, its frames, and what moved in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aisle_msgs.msg import SlotChange, StoreModel
from aisle_msgs.srv import SetSlot
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import JointState
from tf2_ros import StaticTransformBroadcaster, TransformBroadcaster

from aisle.bags.convert import (
    MessageError,
    slot_change_from_message,
    slot_change_to_message,
    time_message,
)
from aisle.bags.convert_joints import joints_from_message
from aisle.bags.convert_store import store_from_message, store_to_message
from aisle.records import SlotChange as SlotChangeRecord
from aisle.store.load import read_store_files
from aisle.store.model import ChangeError, Transform, joint_transforms, static_transforms
from aisle_nodes.diagnostics import Level
from aisle_nodes.interfaces import (
    JOINT_QOS,
    JOINT_STATES,
    SET_SLOT,
    SLOT_CHANGES,
    SLOT_QOS,
    STORE_MODEL,
    STORE_QOS,
    TYPES,
)
from aisle_nodes.moved import MovedStore
from aisle_nodes.node import AisleNode, main_of
from aisle_nodes.schemas import StoreModelParameters
from aisle_nodes.store_markers import StoreMarkers

STATE_FILE = "moved.json"
SHOW_S = 1.0
DOOR_RAD = 0.02
"""A door that turned by less is not shown anew."""


class StoreModelNode(AisleNode[StoreModelParameters]):
    """Publishes `store/model`, `/tf_static` and `/tf`, follows `store/slot_changes`.

    Doors stand as `store/joint_states` says; those of which it says nothing are shut. What a
    person says is gone (`store/set_slot`) goes out on `store/slot_changes` too.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("store_model_node", StoreModelParameters, **options)
        self._timer: Any = None
        self._shower: Any = None
        self._inputs: list[Any] = []

    def configure(self) -> None:
        """Read the store's files and what moved since."""
        files = read_store_files(Path(self.params.store))
        for problem in files.problems:
            self.diagnostics.count("store_warnings", str(problem))
        folder = self.params.state_dir
        path = Path(folder) / STATE_FILE if folder else None
        # What all other nodes would refuse is refused here, where somebody looks.
        store_from_message(store_to_message(files.store, self.now_ns(), TYPES))
        self._robot = files.robot
        self._moved = MovedStore(files.store, path, self.now_ns())
        self._model = self.create_lifecycle_publisher(StoreModel, STORE_MODEL, STORE_QOS)
        self._cleared = self.create_lifecycle_publisher(SlotChange, SLOT_CHANGES, SLOT_QOS)
        self._static = StaticTransformBroadcaster(self)
        self._joints = TransformBroadcaster(self)
        self._positions: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._shown: dict[str, float] = {}
        self._markers = StoreMarkers(self, files.robot)
        self._service = self.create_service(SetSlot, SET_SLOT, self._serve)
        self.diagnostics.refresh = self._report

    def activate(self) -> None:
        """Publish the store; listen."""
        self._static.sendTransform(
            [self._stamped(transform) for transform in static_transforms(self._robot)]
        )
        self._publish()
        self._publish_cleared(self._moved.cleared)
        self._inputs = [
            self.create_subscription(SlotChange, SLOT_CHANGES, self._on_change, SLOT_QOS),
            self.create_subscription(JointState, JOINT_STATES, self._on_joints, JOINT_QOS),
        ]
        if joint_transforms(self._robot, {}):
            self._timer = self.create_timer(1.0 / self.params.door_rate_hz, self._publish_shut)
        self._shower = self.create_timer(SHOW_S, self._refresh)

    def deactivate(self) -> None:
        """Stop listening."""
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        if self._timer is not None:
            self.destroy_timer(self._timer)
        if self._shower is not None:
            self.destroy_timer(self._shower)
        self._inputs, self._timer, self._shower = [], None, None

    def _publish(self) -> None:
        message = store_to_message(self._moved.store, self._moved.stamp_ns, TYPES)
        self._model.publish(message)
        self._show(self._moved.stamp_ns)

    def _show(self, stamp_ns: int) -> None:
        self._shown = dict(self._positions)
        joints = self._robot.joints.values()
        doors = {j.parent: self._shown[j.name] for j in joints if j.name in self._shown}
        self._markers.show(self._moved.store, stamp_ns, doors)

    def _refresh(self) -> None:
        """Show doors that have come to rest, and whatever somebody listens to since a moment."""
        resting = not _turned(self._positions, self._seen)
        self._seen = dict(self._positions)
        if resting and _turned(self._positions, self._shown):
            self._show(self.now_ns())
        self._markers.refresh()

    def _publish_cleared(self, changes: list[SlotChangeRecord]) -> None:
        for change in changes:
            self._cleared.publish(slot_change_to_message(change, TYPES))

    def _publish_shut(self) -> None:
        """Doors without a sensor are shut."""
        silent = {j.child for j in self._robot.joints.values() if j.name not in self._positions}
        shut = [t for t in joint_transforms(self._robot, {}) if t.child in silent]
        self._joints.sendTransform([self._stamped(transform) for transform in shut])

    def _on_joints(self, message: Any) -> None:
        try:
            stamp_ns, positions = joints_from_message(message)
        except MessageError as error:
            self.diagnostics.count("refused_joint_states", f"joint state refused: {error}")
            return
        known = [j for j in self._robot.joints.values() if j.name in positions]
        self._positions.update({joint.name: positions[joint.name] for joint in known})
        told = {joint.child for joint in known}
        moved = [t for t in joint_transforms(self._robot, positions) if t.child in told]
        self._joints.sendTransform([self._stamped(transform, stamp_ns) for transform in moved])

    def _stamped(self, transform: Transform, stamp_ns: int | None = None) -> TransformStamped:
        message = TransformStamped(child_frame_id=transform.child)
        stamp_ns = self.now_ns() if stamp_ns is None else stamp_ns
        message.header.stamp = time_message(stamp_ns, TYPES)
        message.header.frame_id = transform.parent
        place, turn = message.transform.translation, message.transform.rotation
        place.x, place.y, place.z = transform.xyz
        turn.x, turn.y, turn.z, turn.w = transform.quaternion
        return message

    def _on_change(self, message: Any) -> None:
        try:
            moved = self._moved.apply(slot_change_from_message(message), self.now_ns())
        except (MessageError, ChangeError) as error:
            self.diagnostics.count("refused_slot_changes", f"slot change refused: {error}")
            return
        self.diagnostics.count("slot_changes", amount=moved)
        if moved:
            self._publish()

    def _serve(self, request: Any, response: Any) -> Any:
        area = tuple(request.area)
        try:
            if len(area) not in (0, 4):
                raise ChangeError(f"an area has 4 numbers, this one has {len(area)}")
            cleared = self._moved.put(
                request.shelf,
                request.product,
                tuple(request.plates),
                area or None,
                max(1, request.facings),
                self.now_ns(),
            )
        except ChangeError as error:
            response.message = str(error)
            return response
        self._publish()
        self._publish_cleared(cleared)
        response.success, response.revision = True, self._moved.store.revision
        response.message = f"the store is at revision {response.revision}"
        return response

    def _report(self) -> None:
        self.diagnostics.values["revision"] = self._moved.store.revision
        self.diagnostics.hold("moved", Level.ERROR, self._moved.error)
        self.diagnostics.hold("damage", Level.WARN, self._moved.damage)


def _turned(positions: dict[str, float], before: dict[str, float]) -> bool:
    return any(abs(at - before.get(name, 0.0)) > DOOR_RAD for name, at in positions.items())


main = main_of(StoreModelNode)
