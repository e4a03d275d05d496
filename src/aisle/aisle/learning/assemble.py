"""From the runs of the networks that look to the folder that `load_vision` takes.

python -m aisle.learning.assemble --encoder RUN --change RUN --reach RUN --meeting RUN \
        --follower RUN --out DIR
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch

from aisle.files import write_atomic
from aisle.learning.export_encoder import (
    export_change,
    export_encoder,
    export_meeting,
    export_reach,
)
from aisle.learning.follow_export import export_follower
from aisle.receipt_model.change import StripChange
from aisle.receipt_model.encoder import StripEncoder
from aisle.receipt_model.follower import Follower
from aisle.receipt_model.meeting import MeetingNet
from aisle.receipt_model.reach import FrontReach
from aisle.vision.networks import FOLLOWER, MANIFEST, NETWORKS


def assemble(
    encoder: Path, change: Path, reach: Path, meeting: Path, follower: Path, out: Path
) -> None:
    """Export the averaged weights of the runs, with a manifest of all.

    Raises:
        ValueError: torch and ONNX Runtime differ.
    """
    out.mkdir(parents=True, exist_ok=True)
    runs = {
        "encoder": encoder, "change": change, "reach": reach, "meeting": meeting,
        "follower": follower,
    }  # fmt: skip
    states = {
        name: torch.load(run / "checkpoint.pt", weights_only=True) for name, run in runs.items()
    }
    networks = StripEncoder(), StripChange(), FrontReach(), MeetingNet(), Follower()
    for network, state in zip(networks, states.values(), strict=True):
        network.load_state_dict(state["average"])
    export_encoder(networks[0], out)
    export_change(networks[1], out)
    export_reach(networks[2], out)
    export_meeting(networks[3], out)
    export_follower(networks[4], out / FOLLOWER)
    manifest = {
        "data": "aisle.learning.looks, changes, reaches, meetings, walks, rendered; no photographs",
        "sha256": {
            name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in NETWORKS
        },
        **{
            name: {"steps": state["step"], "seconds": round(state["seconds"]), "check": _check(run)}
            for (name, run), state in zip(runs.items(), states.values(), strict=True)
        },
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    write_atomic(out / MANIFEST, text.encode())


def _check(run: Path) -> object:
    """What the run's log said last of stores that it was not trained on."""
    lines = (json.loads(line) for line in (run / "log.jsonl").read_text().splitlines())
    return next((line["check"] for line in reversed(list(lines)) if "check" in line), None)


def main() -> None:
    """Export the networks that look."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--encoder", type=Path, required=True, help="run of aisle.learning.encode")
    parser.add_argument(
        "--change", type=Path, required=True, help="run of aisle.learning.change_train"
    )
    parser.add_argument(
        "--reach", type=Path, required=True, help="run of aisle.learning.reach_train"
    )
    parser.add_argument(
        "--meeting", type=Path, required=True, help="run of aisle.learning.meeting_train"
    )
    parser.add_argument("--follower", type=Path, required=True, help="run of aisle.learning.follow")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    assemble(args.encoder, args.change, args.reach, args.meeting, args.follower, args.out)


if __name__ == "__main__":
    main()
