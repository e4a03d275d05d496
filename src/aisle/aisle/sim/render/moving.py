"""What moves: people, what they hold and carry, doors that are open; made once for each scene."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.body import Bodies, BodyMesh
from aisle.sim.render.device import Programs
from aisle.sim.render.furniture import door_pose
from aisle.sim.render.lens import rectangles
from aisle.sim.render.standing import HELD_LIGHT, door_box
from aisle.sim.render.stock import ROW, instance
from aisle.sim.scene import Matrix, Person, Scene
from aisle.store.types import Camera, Store

FIRST_PERSON = 60000
FIRST_HELD = 50000
_SHADOW_M = 0.55
_DARKNESS = 0.45


@dataclass(frozen=True)
class _Drawn:
    person: Person
    mesh: BodyMesh
    number: int


class Moving:
    """The moving things of the last scene, on the device.

    Attributes:
        boxes: [K, 8, 3] of all that moves but people, their shadows first, in `map`.
        rows: [N, 16] held units and bags.
        kinds: [N].
        names: What the numbers of people, hands and held units mean.
    """

    def __init__(
        self,
        context: moderngl.Context,
        store: Store,
        kinds: dict[str, int],
        boxes: NDArray[np.float64],
    ) -> None:
        self._context = context
        self._store = store
        self._kind_of = kinds
        self._mesh_boxes = boxes
        self._bodies = Bodies()
        self._places = context.buffer(self._bodies.places.tobytes())
        self._faces = context.buffer(self._bodies.faces.tobytes())
        self._slots: list[moderngl.Buffer] = []
        corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], np.float32)
        self._corners = context.buffer(corners.tobytes())
        self._quad = context.buffer(np.array([0, 1, 2, 2, 1, 3], np.int32).tobytes())
        self._scene: Scene | None = None
        self._people: list[_Drawn] = []
        self.boxes: NDArray[np.float64] = np.zeros((0, 8, 3))
        self.rows: NDArray[np.float32] = np.zeros((0, ROW), np.float32)
        self.kinds: NDArray[np.int64] = np.zeros(0, np.int64)
        self.names: dict[int, str] = {}
        self.open_doors: dict[str, Matrix] = {}

    def update(self, scene: Scene) -> None:
        """Pose everything that moves in a scene; cheap where it is the same scene as before."""
        if scene is self._scene:
            return
        self._scene = scene
        self.names = {}
        boxes: list[NDArray[np.float64]] = []
        rows, kinds = [], []
        self._people = []
        for i, person in enumerate(scene.people):
            mesh = self._bodies.mesh(person)
            number = FIRST_PERSON + 3 * i
            self._people.append(_Drawn(person, mesh, number))
            name = f"{person.session}/{person.number}"
            for k, part in enumerate(("", "/left", "/right")):
                self.names[number + k] = name + part
            self._upload(i, mesh)
            boxes.append(_box_of_shadow(person))
            if person.bag:
                kinds.append(self._kind_of[person.bag])
                rows.append(instance(_bag_pose(person, mesh), kinds[-1], 1.0, 1.0, number))
        held = (unit for unit in scene.units if unit.holder)
        for number, unit in enumerate(held, FIRST_HELD):
            kind = self._kind_of[unit.product]
            self.names[number] = unit.id
            rows.append(instance(unit.pose, kind, HELD_LIGHT, 1.0, number))
            kinds.append(kind)
        for row, kind in zip(rows, kinds, strict=True):
            pose = row[:12].reshape(3, 4)
            boxes.append(self._mesh_boxes[kind] @ pose[:, :3].T + pose[:, 3])
        self._open(scene, boxes)
        self.rows = np.array(rows, np.float32).reshape(-1, ROW)
        self.kinds = np.array(kinds, np.int64)
        self.boxes = np.array(boxes, np.float64).reshape(-1, 8, 3)

    def _open(self, scene: Scene, boxes: list[NDArray[np.float64]]) -> None:
        self.open_doors = {}
        for name, angle in scene.doors.items():
            if angle and self._store.fixtures[name].kind == "fridge":
                fixture = self._store.fixtures[name]
                self.open_doors[name] = door_pose(fixture, angle)
                boxes.append(door_box(fixture.size_m, self.open_doors[name]))

    def areas(self, camera: Camera) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where in a camera's picture something moves.

        Returns:
            [K, 4] rectangles, bodies first, and [people] whether a body is in the picture.
        """
        bodies = [drawn.mesh.vertices[:, :3] for drawn in self._people]
        if not bodies:
            return rectangles(camera, self.boxes), np.zeros(0, bool)
        inside = rectangles(camera, np.stack(bodies))
        return np.vstack([inside, rectangles(camera, self.boxes)]), inside[:, 2] > inside[:, 0]

    def draw_shadows(self, programs: Programs) -> None:
        """Soft spots on the floor under people; only for pictures in colour."""
        array = programs.array("shadow", [(self._corners, "2f", ("in_corner",))], self._quad)
        for drawn in self._people:
            programs.set("shadow", "spot", (*drawn.person.position, _SHADOW_M, _DARKNESS))
            array.render(moderngl.TRIANGLES)

    def draw_people(self, programs: Programs, seen: NDArray[np.bool_]) -> None:
        """Draw the people of whom `seen` ([people]) says that they are in the picture."""
        for slot in np.flatnonzero(seen).tolist():
            drawn = self._people[slot]
            clothes = self._bodies.clothes(drawn.person.seed)
            cuts = (clothes.sleeve, clothes.hem_m, clothes.top_hem_m, 0.0)
            style = (float(clothes.pattern), clothes.hairline_m, float(clothes.bald), 0.0)
            for name in ("skin", "hair", "top", "accent", "bottom", "shoes"):
                programs.set("body", name, getattr(clothes, name))
            programs.set("body", "cut_of", cuts)
            programs.set("body", "style", style)
            programs.set("body", "number", float(drawn.number))
            moved = (self._slots[slot], "3f 3f", ("in_position", "in_normal"))
            places = (self._places, "4f", ("in_place",))
            programs.array("body", [moved, places], self._faces).render(moderngl.TRIANGLES)

    def _upload(self, slot: int, mesh: BodyMesh) -> None:
        data = mesh.vertices.tobytes()
        if slot == len(self._slots):
            self._slots.append(self._context.buffer(reserve=len(data), dynamic=True))
        self._slots[slot].orphan()
        self._slots[slot].write(data)


def _box_of_shadow(person: Person) -> NDArray[np.float64]:
    """[8, 3] around a shadow."""
    x, y = person.position
    both = np.array([[x - _SHADOW_M, y - _SHADOW_M, 0.0], [x + _SHADOW_M, y + _SHADOW_M, 0.01]])
    return np.array([[both[i >> k & 1][k] for k in range(3)] for i in range(8)])


def _bag_pose(person: Person, mesh: BodyMesh) -> Matrix:
    """[4, 4] of a bag that hangs from the left arm, along the way the body faces."""
    c, s = np.cos(person.heading), np.sin(person.heading)
    pose = np.eye(4)
    pose[:2, :2] = [[c, -s], [s, c]]
    pose[:3, 3] = mesh.bag
    return pose
