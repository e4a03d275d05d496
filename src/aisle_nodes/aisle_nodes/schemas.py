"""The parameters of every node; `parameters` turns them into declarations, YAML and tables."""

from __future__ import annotations

from dataclasses import dataclass

from aisle_nodes.parameters import parameter

STABLE_PORT = r"(?!/dev/tty(USB|ACM)\d).*"
STABLE_CAMERA = r"(?!/dev/video\d|\d+$).*"


@dataclass(frozen=True)
class NodeParameters:
    """What every node has."""

    autostart: bool = parameter(
        True, "Configure and activate at start, without a lifecycle manager"
    )


@dataclass(frozen=True)
class SimulatedParameters(NodeParameters):
    """What every node that plays a part of the simulation has."""

    store: str = parameter("", "Folder of the store (catalogue, planogram, floor plan, rig)")
    scenario: str = parameter("", "Scenario file of the simulator; empty for a calm day")
    seed: int = parameter(1, "Seed of the simulator", minimum=0, maximum=2**31 - 1)
    start_ns: int = parameter(
        0, "Stamp at which the simulation begins", unit="ns", minimum=0, maximum=2**62
    )


@dataclass(frozen=True)
class WeightParameters(SimulatedParameters):
    """weight_node: reads scales and publishes `weights/<controller>`."""

    source: str = parameter(
        "simulator", "Where readings come from", choices=("simulator", "file", "serial")
    )
    controllers: tuple[str, ...] = parameter(
        (), "Controllers of the store that this node serves; empty for all"
    )
    file: str = parameter("", "Recording to play for source file: a CSV table or a bag")
    port: str = parameter(
        "",
        "Serial device for source serial, named by a path that stays",
        pattern=STABLE_PORT,
        pattern_text="a stable path such as /dev/serial/by-id/..., not /dev/ttyUSB0",
    )
    baud: int = parameter(115200, "Serial speed", unit="Bd", minimum=300, maximum=4_000_000)
    protocol: str = parameter("lines", "Language of the serial device", choices=("lines", "sics"))
    poll: bool = parameter(
        False, "Ask a sics scale for each reading instead of having it send by itself"
    )
    frozen_after_s: float = parameter(
        600.0,
        "Identical readings for this long are reported; 0 for never",
        unit="s",
        minimum=0.0,
        maximum=86400.0,
    )
    reconnect_s: float = parameter(
        1.0, "Time between two attempts to open the device", unit="s", minimum=0.1, maximum=60.0
    )
    state_dir: str = parameter("", "Folder for the tare; empty keeps it in memory only")


@dataclass(frozen=True)
class GateParameters(SimulatedParameters):
    """gate_node: publishes who enters and leaves on `gate/events`."""

    source: str = parameter("simulator", "Where passages come from", choices=("simulator", "lines"))
    path: str = parameter(
        "",
        "Serial device, pipe or terminal with one JSON object a line, for source lines",
        pattern=STABLE_PORT,
        pattern_text="a stable path such as /dev/serial/by-id/..., not /dev/ttyUSB0",
    )
    baud: int = parameter(9600, "Serial speed", unit="Bd", minimum=300, maximum=4_000_000)
    gate: str = parameter("gate", "Gate named in events that name none", required=True)
    state_dir: str = parameter(
        "", "Folder for the number of simulated passages sent; empty keeps it in memory only"
    )
    reconnect_s: float = parameter(
        1.0, "Time between two attempts to open the device", unit="s", minimum=0.1, maximum=60.0
    )


@dataclass(frozen=True)
class CameraParameters(SimulatedParameters):
    """camera_node: publishes the pictures of cameras on `camera/<camera>/...`."""

    cameras: tuple[str, ...] = parameter(
        (), "Cameras that this node serves; empty for all of the store; a device or file is one"
    )
    source: str = parameter(
        "device", "Where pictures come from", choices=("device", "file", "simulator")
    )
    device: str = parameter(
        "",
        "V4L2 device, named by a path that stays, or URL of a stream, for source device",
        pattern=STABLE_CAMERA,
        pattern_text="a stable path such as /dev/v4l/by-id/..., not /dev/video0, or a URL",
    )
    credentials_file: str = parameter(
        "", "File with user:password for the URL, so that they are no parameter"
    )
    file: str = parameter("", "Video to play for source file")
    loop: bool = parameter(False, "Play the file again and again")
    rate_hz: float = parameter(
        0.0,
        "Frames a second to ask for and to expect; 0 for what rig, device or file says",
        unit="Hz",
        minimum=0.0,
        maximum=1000.0,
    )
    fourcc: str = parameter(
        "",
        "Pixel format to ask a V4L2 device for, for example MJPG; empty for its own choice",
        pattern=r"(?:[\x20-\x7e]{4})?",
        pattern_text="four characters or empty",
    )
    jpeg_quality: int = parameter(85, "Quality of compressed images", minimum=1, maximum=100)
    silent_after_s: float = parameter(
        1.0,
        "No picture for this long is reported, also while the driver hangs",
        unit="s",
        minimum=0.1,
        maximum=3600.0,
    )
    frozen_after_s: float = parameter(
        5.0,
        "The same picture for this long, bit by bit, is reported and held back; 0 for never",
        unit="s",
        minimum=0.0,
        maximum=86400.0,
    )
    dark_below: float = parameter(
        8.0,
        "Mean grey level (0 to 255) below which a picture is reported as dark; 0 for never, "
        "also for covered lenses",
        minimum=0.0,
        maximum=255.0,
    )
    reconnect_s: float = parameter(
        0.5,
        "First pause before a lost camera is opened again; it doubles up to 10 s",
        unit="s",
        minimum=0.1,
        maximum=60.0,
    )


@dataclass(frozen=True)
class StoreModelParameters(NodeParameters):
    """store_model_node: publishes the store, its frames and what moved."""

    store: str = parameter("", "Folder of the store", required=True)
    state_dir: str = parameter("", "Folder for what moved; empty keeps it in memory only")
    door_rate_hz: float = parameter(
        1.0,
        "Rate of the doors on /tf beside what store/joint_states says",
        unit="Hz",
        minimum=0.1,
        maximum=100.0,
    )


@dataclass(frozen=True)
class FusionParameters(NodeParameters):
    """fusion_node: turns readings and passages into receipt predictions."""

    model: str = parameter("", "Receipt model (ONNX file); empty for the one that is shipped")
    runtime: str = parameter("onnx", "What runs the model", choices=("onnx", "tensorrt"))
    cameras: bool = parameter(True, "Use the store's cameras, where the model has sight")
    catalogue: str = parameter(
        "", "Folder of the store, whose pictures show the products; empty: cameras name none"
    )
    state_dir: str = parameter("", "Folder for the state that survives a restart", required=True)


@dataclass(frozen=True)
class ReceiptParameters(NodeParameters):
    """receipt_node: keeps the ledger and publishes receipts."""

    database: str = parameter(
        "",
        "Database URL of the ledger, for example sqlite:////var/lib/aisle/ledger.db",
        required=True,
    )
    review_below: float = parameter(
        0.8, "A line less sure than this puts its receipt into review", minimum=0.0, maximum=1.0
    )
    final_limit_s: float = parameter(
        30.0,
        "A receipt closes into review this long after the exit if the fusion is silent",
        unit="s",
        minimum=1.0,
        maximum=86400.0,
    )
    max_open_s: float = parameter(
        14400.0,
        "A session that is open for longer goes into review",
        unit="s",
        minimum=1.0,
        maximum=1e6,
    )


@dataclass(frozen=True)
class SimParameters(SimulatedParameters):
    """sim_node: publishes `/clock` and the truth of a simulation."""

    speed: float = parameter(
        1.0, "Simulated seconds in one real second", minimum=0.01, maximum=100.0
    )
    state_dir: str = parameter("", "Folder for the clock, so that it goes on after a restart")
    wait_for: tuple[str, ...] = parameter(
        (), "Topics that need a publisher and subscribers before time begins"
    )
    wait_for_publishers: tuple[str, ...] = parameter(
        (), "Topics that need a publisher before time begins, whoever listens"
    )
    wait_subscribers: int = parameter(
        1, "Subscribers that each topic of wait_for needs", minimum=1, maximum=100
    )
    wait_limit_s: float = parameter(
        60.0,
        "Time begins after this long whatever is missing",
        unit="s",
        minimum=0.0,
        maximum=3600.0,
    )
    duration_s: float = parameter(
        0.0,
        "Simulated time after which the node ends; 0 for when the scenario ends",
        unit="s",
        minimum=0.0,
        maximum=1e6,
    )
    settle_s: float = parameter(
        15.0,
        "Simulated time from the end of the scenario to the end of the node",
        unit="s",
        minimum=0.0,
        maximum=3600.0,
    )
    door_rate_hz: float = parameter(
        10.0, "Rate of the doors' angles", unit="Hz", minimum=0.1, maximum=50.0
    )


@dataclass(frozen=True)
class BagPlayerParameters(NodeParameters):
    """bag_player_node: plays a recording onto the topics of the drivers, with `/clock`."""

    bag: str = parameter("", "Folder or file of the bag", required=True)
    speed: float = parameter(
        1.0, "Recorded seconds in one real second", minimum=0.01, maximum=100.0
    )
    namespace: str = parameter("", "Play only topics below this name; empty for all")
    store_models: bool = parameter(
        True, "Play the store models of the bag; false where a store_model_node runs"
    )
    cameras: bool = parameter(True, "Play the pictures of the bag")
    wait_limit_s: float = parameter(
        60.0,
        "The bag begins after this long also without a fusion_node that listens",
        unit="s",
        minimum=0.0,
        maximum=3600.0,
    )
    settle_s: float = parameter(
        35.0,
        "Time that the clock goes on after the last message",
        unit="s",
        minimum=0.0,
        maximum=3600.0,
    )


SCHEMAS: dict[str, type[NodeParameters]] = {
    "weight_node": WeightParameters,
    "gate_node": GateParameters,
    "camera_node": CameraParameters,
    "store_model_node": StoreModelParameters,
    "fusion_node": FusionParameters,
    "receipt_node": ReceiptParameters,
    "sim_node": SimParameters,
    "bag_player_node": BagPlayerParameters,
}
