"""A real store: a weight_node, gate_node, camera_node for each controller, gate, camera.

The `driver` settings of a device in `rig.yaml` are the parameters of its node (`docs/nodes.md`); a
gate or camera without them is left to somebody else.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import OpaqueFunction

from aisle.store.load import load_store
from aisle.store.problems import Report
from aisle.store.rig import read_rig
from aisle_nodes import bringup
from aisle_nodes.bringup import argument, flag, node
from aisle_nodes.devices import devices, problems

ARGUMENTS = {
    "store": (None, "Folder of the store, whose rig.yaml has the devices' driver settings"),
    "cameras": (
        "true",
        "Use cameras, and start those that rig.yaml has driver settings for",
    ),
}


def build(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the nodes of a rig."""
    store_dir = argument(context, "store", str)
    store, _ = load_store(Path(store_dir))
    rig_file = read_rig(Path(store_dir), Report())
    assert rig_file is not None, "load_store has read it"
    folder = str(bringup.state_dir(context, store.name, keep=True))
    cameras = flag(context, "cameras")
    nodes = [
        node(context, "store_model_node", {"store": store_dir, "state_dir": folder}),
        *bringup.checkout_nodes(context, folder, catalogue=store_dir, cameras=cameras),
    ]
    wrong = problems(rig_file, cameras=cameras)
    if wrong:
        raise RuntimeError("\n".join([f"{store_dir}:", *(str(problem) for problem in wrong)]))
    for device in devices(rig_file.rig, store_dir, folder, cameras=cameras):
        nodes.append(node(context, device.node, device.parameters, name=device.name))
    return [bringup.group(context, nodes), *bringup.recorder(context)]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    arguments = bringup.declare(ARGUMENTS, use_sim_time="false")
    return LaunchDescription([*arguments, OpaqueFunction(function=build)])
