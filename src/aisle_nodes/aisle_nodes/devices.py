"""The nodes that read a rig's devices: what `rig.launch.py` starts, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aisle.store.problems import Problem
from aisle.store.rig import FILE, Rig, RigFile
from aisle_nodes.parameters import ParameterError, build
from aisle_nodes.schemas import SCHEMAS

RULE = "driver"
_OURS = ("store", "controllers", "cameras", "gate", "state_dir")
"""Parameters that follow from the rig."""
_NEEDED = {"serial": "port", "lines": "path", "device": "device", "file": "file"}
"""The parameter without which a node cannot do anything, by its `source`."""


@dataclass(frozen=True)
class Device:
    """One device and the node that reads it."""

    section: str
    """Of rig.yaml."""
    id: str
    node: str
    name: str
    """Of the node."""
    parameters: Mapping[str, object]


def devices(rig: Rig, store: str, state_dir: str, *, cameras: bool = True) -> Iterator[Device]:
    """The devices that nodes of this rig read.

    Gates and cameras without `driver` are left to somebody else; scales are always read.

    Args:
        rig: The rig.
        store: Its folder.
        state_dir: Folder for what outlives a restart.
        cameras: Whether cameras are to be read.
    """
    for id_, controller in rig.controllers.items():
        own = {"store": store, "controllers": [id_], "state_dir": state_dir, "source": "serial"}
        settings = {**own, **controller.driver}
        yield Device("controllers", id_, "weight_node", f"weight_{id_}", settings)
    for id_, camera in rig.cameras.items():
        if camera.driver and cameras:
            settings = {"store": store, "cameras": [id_], **camera.driver}
            yield Device("cameras", id_, "camera_node", f"camera_{id_}", settings)
    for id_, gate in rig.gates.items():
        if gate.driver:
            settings = {"gate": id_, "source": "lines", **gate.driver}
            yield Device("gates", id_, "gate_node", f"gate_{id_}", settings)


def problems(found: RigFile, *, cameras: bool = True) -> list[Problem]:
    """What the nodes would refuse in the `driver` settings; nothing is opened.

    Args:
        found: The rig.
        cameras: As for `devices`.
    """
    told = []
    ports: dict[str, str] = {}
    for device in devices(found.rig, "store", "state", cameras=cameras):
        given = getattr(found.rig, device.section)[device.id].driver
        trouble = _trouble(device, given)
        for key in ("port", "path", "device"):
            port = str(given.get(key, ""))
            owner = ports.setdefault(port, device.id) if port else device.id
            if owner != device.id:
                trouble = trouble or f"'{key}' is that of {owner}, too"
        if trouble:
            keys = [key for key in given if f"'{key}'" in trouble.partition(";")[0]]
            path = (device.section, device.id, *(["driver", *keys[:1]] if given else []))
            message = f"{device.id} ({device.node}): {trouble}"
            told.append(Problem(FILE, found.line(*path), RULE, message))
    return told


def _trouble(device: Device, given: Mapping[str, object]) -> str:
    """Why a node would not start, or not read its device; empty when it would."""
    taken = [key for key in _OURS if key in given]
    if taken:
        return f"'{taken[0]}' follows from {FILE}: leave it out"
    try:
        parameters = build(SCHEMAS[device.node], device.parameters)
    except ParameterError as error:
        return str(error)
    source = str(getattr(parameters, "source", ""))
    if source == "simulator":
        return "parameter 'source' must be of a device in a rig, is 'simulator'"
    needed = _NEEDED.get(source, "")
    if needed and not getattr(parameters, needed):
        return f"source {source} needs '{needed}' in driver"
    return ""
