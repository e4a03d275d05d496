"""A simulated store: scales, cameras, gate, fusion, receipts.

`ros2 launch aisle_bringup store.launch.py --show-args` lists the arguments.
"""

import time
from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import OpaqueFunction

from aisle.sim.scenario import load_scenario
from aisle.store.load import load_store
from aisle_nodes import bringup
from aisle_nodes.bringup import argument, flag, node
from aisle_nodes.interfaces import GATE_EVENTS, camera_topic, weights_topic

ARGUMENTS = {
    "store": (bringup.share("config", "stores", "full_rack"), "Folder of the store"),
    "scenario": ("", "Scenario file of the simulator; empty for a calm day"),
    "seed": ("1", "Seed of the simulator; the same seed gives the same shoppers"),
    "start": ("0", "Stamp of the beginning in nanoseconds; 0 for now"),
    "speed": ("1.0", "Simulated seconds in one real second"),
    "cameras": ("true", "Draw the store's cameras, where the scenario has bodies (walk: true)"),
    "duration": ("0.0", "Simulated seconds until the end; 0 for the end of the scenario"),
}


def build(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the nodes; all parts of the simulation get the same parameters."""
    store_dir = argument(context, "store", str)
    store, _ = load_store(Path(store_dir))
    folder = str(bringup.state_dir(context, store.name))
    simulated = {
        "store": store_dir,
        "scenario": argument(context, "scenario", str),
        "seed": argument(context, "seed", int),
        "start_ns": argument(context, "start", int) or time.time_ns(),
    }
    recorder = bringup.recorder(context)
    scenario = simulated["scenario"]
    bodies = bool(scenario) and load_scenario(Path(scenario)).walk
    cameras = tuple(store.cameras) if bodies and flag(context, "cameras") else ()
    clock = {
        "speed": argument(context, "speed", float),
        "duration_s": argument(context, "duration", float),
        "state_dir": folder,
        "wait_for": [GATE_EVENTS, *(weights_topic(name) for name in store.controllers)],
        "wait_subscribers": 1 + len(recorder),
        "wait_for_publishers": [camera_topic(name, "image_raw") for name in cameras],
    }
    sim = node(context, "sim_node", {**simulated, **clock})
    nodes = [
        sim,
        node(context, "weight_node", {**simulated, "state_dir": folder}),
        node(context, "gate_node", {**simulated, "state_dir": folder}),
        node(context, "store_model_node", {"store": store_dir, "state_dir": folder}),
        *bringup.checkout_nodes(context, folder, catalogue=store_dir, cameras=bool(cameras)),
    ]
    if cameras:
        nodes.append(node(context, "camera_node", {**simulated, "source": "simulator"}))
    return [
        bringup.group(context, nodes),
        bringup.end_with(sim, respawned=flag(context, "respawn")),
        *recorder,
    ]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    arguments = bringup.declare(ARGUMENTS, use_sim_time="true")
    return LaunchDescription([*arguments, OpaqueFunction(function=build)])
