"""A store's folder as one `Store`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from shapely import Point, Polygon
from shapely.ops import unary_union

from aisle.store import floor, planogram, rig
from aisle.store.assemble import Assembler
from aisle.store.catalogue import read_catalogue
from aisle.store.coverage import ENOUGH_PX, coverage
from aisle.store.floor import FloorPlan, read_floor_plan
from aisle.store.geometry3d import Open3DMissing
from aisle.store.images import check_images
from aisle.store.planogram import Places, read_planogram, slot_lines
from aisle.store.problems import Problem, Report, StoreError
from aisle.store.rig import read_rig
from aisle.store.types import Store
from aisle.store.urdf import Robot, read_robot

_SLACK_M = 0.05
_GATE_OFF_M = 1.0


@dataclass(frozen=True)
class StoreFiles:
    """A usable store with what else its folder says."""

    store: Store
    robot: Robot
    floor_plan: FloorPlan
    problems: list[Problem]
    """Warnings only."""


def load_store(path: Path) -> tuple[Store, list[Problem]]:
    """The store in a folder, and the warnings about it.

    Raises:
        StoreError: With all problems, when at least one is an error.
    """
    files = read_store_files(path)
    return files.store, files.problems


def check_store(path: Path) -> list[Problem]:
    """Every mistake in a store's folder; empty when there is none.

    Where the store has cameras, also what they see too little of; products' pictures are read.
    """
    try:
        files = read_store_files(path)
    except StoreError as error:
        return error.problems
    report = Report(list(files.problems))
    check_images(files.store, report)
    if files.store.cameras:
        _check_views(files, path, report)
    return report.problems


def _check_views(files: StoreFiles, path: Path, report: Report) -> None:
    """Warns of slots that neither plates nor cameras watch well enough."""
    try:
        found = coverage(files.store, files.robot)
    except Open3DMissing as error:
        report.warn(rig.FILE, 0, "slot-hardly-seen", f"what cameras see was not checked: {error}")
        return
    lines = slot_lines(path)
    for id_ in found.poor():
        slot = files.store.slots[id_]
        if slot.plates:
            continue
        view = found.best(id_)
        best = f"{view.px_per_dm:.0f} px for 10 cm ({view.camera})" if view else "no view at all"
        message = f"slot {id_} has no plates, and its best view has {best}, not {ENOUGH_PX:g} px"
        report.warn(planogram.FILE, lines.get(id_, 0), "slot-hardly-seen", message)


def read_store_files(path: Path) -> StoreFiles:
    """The store in a folder with its URDF and floor plan.

    Raises:
        StoreError: With all problems, when at least one is an error.
    """
    report = Report()
    if not path.is_dir():
        report.error(".", 0, "missing-file", f"{path} is not a folder")
        raise StoreError(report.problems)
    rig_file = read_rig(path, report)
    robot = read_robot(path, report)
    plan = read_floor_plan(path, report)
    catalogue = read_catalogue(path, rig_file.rig.currency if rig_file else "EUR", report)
    if rig_file is None or robot is None:
        # Without devices or geometry every row of the planogram would look wrong.
        raise StoreError(report.problems)
    parts = Assembler(path, rig_file, robot, report)
    shelves, plates = parts.shelves_and_plates()
    slots = read_planogram(path, Places(catalogue, shelves, plates), report)
    store = Store(
        name=rig_file.rig.name,
        currency=rig_file.rig.currency,
        products=catalogue.products,
        fixtures=parts.fixtures(shelves),
        shelves=shelves,
        plates=plates,
        slots=slots,
        controllers=parts.controllers(),
        gates=parts.gates(),
        cameras=parts.cameras(),
    )
    _check_floor(store, plan, report)
    if report.failed:
        raise StoreError(report.problems)
    return StoreFiles(store, robot, plan, report.problems)


def _check_floor(store: Store, plan: FloorPlan, report: Report) -> None:
    for feature in plan.of("gate"):
        gate = store.gates.get(feature.id)
        if gate is None:
            message = f"gate '{feature.id}' is not in rig.yaml"
        elif feature.shape.distance(Point(gate.pose[0, 3], gate.pose[1, 3])) > _GATE_OFF_M:
            message = f"gate {feature.id} is drawn more than 1 m away from its frame"
        else:
            continue
        report.error(floor.FILE, feature.line, "gate-off-floor-plan", message)
    walls = [wall.shape for wall in plan.of("wall")]
    if not walls:
        return
    hull = unary_union(walls).convex_hull.buffer(_SLACK_M)
    for fixture in store.fixtures.values():
        width, depth, _ = fixture.size_m
        corners = [(0.0, 0.0), (width, 0.0), (width, depth), (0.0, depth)]
        placed = [fixture.pose @ np.array([x, y, 0.0, 1.0]) for x, y in corners]
        if not hull.contains(Polygon([(point[0], point[1]) for point in placed])):
            message = f"fixture {fixture.id} stands outside the walls"
            report.warn(floor.FILE, 0, "fixture-outside-walls", message)
