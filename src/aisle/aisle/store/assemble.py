"""A rig's devices and a URDF's frames, joined into the records of a store."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from aisle.store.calibration import Calibration, read_calibration
from aisle.store.camera import sees_its_corners
from aisle.store.geometry import Matrix
from aisle.store.names import frame_name, is_plate_id, optical_frame, parent_id
from aisle.store.problems import Report
from aisle.store.rig import FILE as RIG_FILE
from aisle.store.rig import CameraRig, RigFile
from aisle.store.types import Camera, Controller, Fixture, Gate, Plate, Shelf
from aisle.store.urdf import FILE as URDF_FILE
from aisle.store.urdf import Robot

_UNKNOWN_PLATE_M = (0.1, 0.4)
_UNKNOWN_ROOM_M = 0.3
_SLACK_M = 0.05


class Assembler:
    """Joins the rig's devices with the URDF's frames."""

    def __init__(self, directory: Path, rig_file: RigFile, robot: Robot, report: Report) -> None:
        self._directory = directory
        self._file = rig_file
        self._rig = rig_file.rig
        self._robot = robot
        self._report = report
        self._wired = {
            plate: (name, channel)
            for name, controller in self._rig.controllers.items()
            for channel, plate in enumerate(controller.plates)
            if is_plate_id(plate)
        }

    def shelves_and_plates(self) -> tuple[dict[str, Shelf], dict[str, Plate]]:
        """Shelves of the URDF, then those only the rig knows; plates that a controller reads."""
        on_shelf: dict[str, list[str]] = {}
        for plate in self._wired:
            on_shelf.setdefault(parent_id(plate), []).append(plate)
        shelves, plates = {}, {}
        framed = [part.id for part in self._robot.parts.values() if part.kind == "shelf"]
        frameless = [shelf for shelf in on_shelf if shelf not in framed]
        for id_ in (*framed, *frameless):
            shelf = self._shelf(id_, self._in_order(on_shelf.get(id_, [])))
            if shelf is None:
                continue
            shelves[id_] = shelf
            for plate in shelf.plates:
                plates[plate] = self._plate(plate, self._wired[plate], shelf)
            self._check_plates(shelf, plates)
        for part in self._robot.parts.values():
            if part.kind == "plate" and part.id not in self._wired:
                message = f"plate {part.id} is on no controller of rig.yaml: it is left out"
                self._warn(part.id, "plate-without-controller", message)
        return shelves, plates

    def _in_order(self, plates: list[str]) -> tuple[str, ...]:
        """Plates from left to right; those without a frame come last, in the rig's order."""

        def left(plate: str) -> float:
            joint = self._joint(plate)
            return float(joint[0, 3]) if joint is not None else np.inf

        return tuple(sorted(plates, key=left))

    def _joint(self, plate: str) -> Matrix | None:
        """Pose of a plate in its shelf."""
        shelf, pose = self._pose(parent_id(plate), "shelf"), self._pose(plate, "plate")
        return None if shelf is None or pose is None else np.linalg.inv(shelf) @ pose

    def _pose(self, id_: str, *kinds: str) -> Matrix | None:
        part = self._robot.parts.get(id_)
        if part is None or part.kind not in kinds:
            return None
        return self._robot.poses.get(frame_name(id_))

    def _shelf(self, id_: str, plates: tuple[str, ...]) -> Shelf | None:
        fixture = parent_id(id_)
        body = self._robot.parts.get(fixture)
        if body is None or body.kind not in ("gondola", "fridge"):
            message = f"fixture {fixture} of shelf {id_} is not in the URDF"
            place = (RIG_FILE, self._plate_line(plates))
            if id_ in self._robot.parts:
                place = (URDF_FILE, self._robot.line(id_))
            self._report.error(*place, "unknown-fixture", message)
            return None
        pose = self._pose(id_, "shelf")
        if pose is None and id_ not in self._robot.parts:
            message = f"shelf {id_} has no frame {frame_name(id_)} in the URDF: place unknown"
            self._report.warn(RIG_FILE, self._plate_line(plates), "shelf-without-frame", message)
            size = (body.size[0], body.size[1], _UNKNOWN_ROOM_M)
        else:
            # A shelf whose frame hangs on nothing has been reported with the URDF.
            part = self._robot.parts[id_]
            size = (part.size[0], part.size[1], part.size[2])
        return Shelf(id_, fixture, size, pose, plates)

    def _plate_line(self, plates: tuple[str, ...]) -> int:
        lines = [
            self._file.line("controllers", self._wired[plate][0], "plates", self._wired[plate][1])
            for plate in plates
        ]
        return min(lines, default=0)

    def _plate(self, id_: str, wire: tuple[str, int], shelf: Shelf) -> Plate:
        controller, channel = wire
        pose = self._pose(id_, "plate")
        sizes = [
            self._robot.parts[plate].size
            for plate in (id_, *reversed(shelf.plates))
            if plate in self._robot.parts
        ]
        size = sizes[0] if sizes else _UNKNOWN_PLATE_M
        capacity = self._rig.controllers[controller].capacity_kg
        return Plate(id_, shelf.id, controller, channel, (size[0], size[1]), pose, capacity)

    def _check_plates(self, shelf: Shelf, plates: dict[str, Plate]) -> None:
        framed = [plate for plate in shelf.plates if plates[plate].pose is not None]
        frameless = [plate for plate in shelf.plates if plates[plate].pose is None]
        if shelf.pose is None:
            return
        if frameless:
            names = ", ".join(frame_name(plate) for plate in frameless)
            message = f"the URDF has no frame {names}: the place of the plate is unknown"
            line = self._plate_line(tuple(frameless))
            self._report.warn(RIG_FILE, line, "plate-without-frame", message)
        lefts = {}
        for plate in framed:
            joint = self._joint(plate)
            assert joint is not None
            x, y, z = (float(value) for value in joint[:3, 3])
            width, depth = plates[plate].size_m
            lefts[plate] = x - width / 2, x + width / 2
            beside = x - width / 2 < -_SLACK_M or x + width / 2 > shelf.size_m[0] + _SLACK_M
            behind = y - depth / 2 < -_SLACK_M or y + depth / 2 > shelf.size_m[1] + _SLACK_M
            if beside or behind or abs(z) > shelf.size_m[2]:
                message = f"plate {plate} at {x:.3f} {y:.3f} {z:.3f} lies outside shelf {shelf.id}"
                self._warn(plate, "plate-outside-shelf", message)
        for one, two in pairwise(framed):
            if lefts[two][0] < lefts[one][1] - _SLACK_M / 5:
                message = f"plates {one} and {two} overlap by more than a centimetre"
                self._warn(two, "plates-overlap", message)

    def _warn(self, id_: str, rule: str, message: str) -> None:
        self._report.warn(URDF_FILE, self._robot.line(id_), rule, message)

    def fixtures(self, shelves: dict[str, Shelf]) -> dict[str, Fixture]:
        """Gondolas and fridges of the URDF with their shelves."""
        fixtures = {}
        for part in self._robot.parts.values():
            pose = self._pose(part.id, "gondola", "fridge")
            if pose is None:
                continue
            boards = tuple(shelf.id for shelf in shelves.values() if shelf.fixture == part.id)
            size = (part.size[0], part.size[1], part.size[2])
            fixtures[part.id] = Fixture(part.id, part.kind, size, pose, boards)
        for id_, shelf in shelves.items():
            if shelf.fixture not in fixtures:
                message = f"shelf {id_} belongs to fixture {shelf.fixture}, which has no frame"
                self._report.error(URDF_FILE, self._robot.line(id_), "urdf", message)
        return fixtures

    def controllers(self) -> dict[str, Controller]:
        """Controllers of the rig."""
        return {
            name: Controller(name, tuple(c.plates), c.rate_hz, c.samples_per_message)
            for name, c in self._rig.controllers.items()
        }

    def gates(self) -> dict[str, Gate]:
        """Gates of the rig, with the poses of the URDF."""
        gates = {}
        for name, gate in self._rig.gates.items():
            pose = self._device("gates", "gate", name, frame_name(name))
            if pose is not None:
                gates[name] = Gate(name, gate.kind, pose)
        kinds = {gate.kind for gate in gates.values()}
        for kind, way in (("entry", "in"), ("exit", "out")):
            if not kinds & {kind, "both"}:
                message = f"the store has no way {way}: no gate of kind {kind} or both"
                self._report.warn(RIG_FILE, self._file.line("gates"), "no-gate", message)
        self._check_unlisted("gate", self._rig.gates)
        return gates

    def cameras(self) -> dict[str, Camera]:
        """Cameras of the rig, with the optical frames of the URDF."""
        cameras = {}
        for name, rig in self._rig.cameras.items():
            pose = self._device("cameras", "camera", name, optical_frame(name))
            camera = None if pose is None else self._camera(name, rig, pose)
            if camera is not None:
                cameras[name] = camera
        self._check_unlisted("camera", self._rig.cameras)
        return cameras

    def _camera(self, name: str, rig: CameraRig, pose: Matrix) -> Camera | None:
        """One camera with its lens; None after a reported error."""
        camera = Camera(
            name, pose, rig.width, rig.height, rig.horizontal_fov_rad or 0.0,
            distortion=rig.distortion, rate_hz=rig.rate_hz,
        )  # fmt: skip
        lens = None
        if rig.fx and rig.fy and rig.cx is not None and rig.cy is not None:
            lens = Calibration((rig.fx, rig.fy), (rig.cx, rig.cy), rig.distortion)
        elif rig.calibration:
            lens = self._calibration(name, rig, rig.calibration)
            if lens is None:
                return None
        if lens is not None:
            angle = 2 * math.atan(rig.width / 2 / lens.focal_px[0])
            camera = replace(
                camera, horizontal_fov_rad=angle, focal_px=lens.focal_px,
                centre_px=lens.centre_px, distortion=lens.distortion,
            )  # fmt: skip
        if not sees_its_corners(camera):
            message = f"camera {name}: its distortion cannot fill the corners of the image"
            line = self._file.line("cameras", name, "distortion")
            self._report.error(RIG_FILE, line, "camera-lens", message)
            return None
        return camera

    def _calibration(self, name: str, rig: CameraRig, file: str) -> Calibration | None:
        if not (self._directory / file).is_file():
            message = f"camera {name}: there is no file {file} in the store's folder"
            line = self._file.line("cameras", name, "calibration")
            self._report.error(RIG_FILE, line, "missing-file", message)
            return None
        return read_calibration(self._directory, file, (rig.width, rig.height), self._report)

    def _device(self, section: str, kind: str, name: str, frame: str) -> Matrix | None:
        pose = self._robot.poses.get(frame)
        if pose is None or name not in self._robot.parts:
            message = f"{kind} {name} has no frame {frame} in the URDF"
            line = self._file.line(section, name)
            self._report.error(RIG_FILE, line, f"{kind}-without-frame", message)
            return None
        return pose

    def _check_unlisted(self, kind: str, listed: Iterable[str]) -> None:
        names = set(listed)
        for part in self._robot.parts.values():
            if part.kind == kind and part.id not in names:
                message = f"{kind} {part.id} is not in rig.yaml: it is left out"
                self._warn(part.id, f"{kind}-without-rig", message)
