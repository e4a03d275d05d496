"""A recording through the nodes: a bag takes the place of scales, cameras, gate and store.

`ros2 launch aisle_bringup replay.launch.py bag:=BAG`
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import OpaqueFunction

from aisle.bags.reading import has_pictures
from aisle.bags.store_io import BagReader
from aisle_nodes import bringup
from aisle_nodes.bringup import argument, flag, node

ARGUMENTS = {
    "bag": ("", "Folder or file of the bag"),
    "bag_namespace": ("", "Play only topics of the bag below this name; empty for all"),
    "speed": ("1.0", "Recorded seconds in one real second"),
    "cameras": ("true", "Play the pictures of the bag"),
    "store": ("", "Folder of a store that takes the place of the bag's store models"),
    "catalogue": ("", "Folder of a store whose pictures show the products; empty for store"),
    "settle": ("35.0", "Seconds that the clock goes on after the last message"),
}


def build(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Return the player, and the nodes behind the drivers."""
    bag, store = argument(context, "bag", str), argument(context, "store", str)
    namespace = argument(context, "bag_namespace", str)
    folder = str(bringup.state_dir(context, Path(bag).stem))
    with BagReader(Path(bag)) as reader:
        cameras = flag(context, "cameras") and has_pictures(reader, namespace or None)
    player = node(
        context,
        "bag_player_node",
        {
            "bag": bag,
            "namespace": namespace,
            "speed": argument(context, "speed", float),
            "settle_s": argument(context, "settle", float),
            "store_models": not store,
            "cameras": cameras,
        },
        respawn=False,
    )
    catalogue = argument(context, "catalogue", str) or store
    nodes = [
        player,
        *bringup.checkout_nodes(context, folder, catalogue=catalogue, cameras=cameras),
    ]
    if store:
        nodes.append(node(context, "store_model_node", {"store": store, "state_dir": folder}))
    return [
        bringup.group(context, nodes),
        bringup.end_with(player, respawned=False),
        *bringup.recorder(context),
    ]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch."""
    arguments = bringup.declare(ARGUMENTS, use_sim_time="true")
    return LaunchDescription([*arguments, OpaqueFunction(function=build)])
