"""Poses: 4x4 matrices, URDF roll-pitch-yaw and quaternions (x, y, z, w). Metres and radians."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Vector3 = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


def translation(x: float, y: float, z: float) -> Matrix:
    """Pose that moves by x, y, z without turning."""
    pose = np.eye(4)
    pose[0, 3], pose[1, 3], pose[2, 3] = x, y, z
    return pose


def pose_from_rpy(xyz: Vector3, rpy: Vector3 = (0.0, 0.0, 0.0)) -> Matrix:
    """Pose from a translation and URDF's fixed-axis roll, pitch, yaw (x, then y, then z)."""
    cr, sr = math.cos(rpy[0]), math.sin(rpy[0])
    cp, sp = math.cos(rpy[1]), math.sin(rpy[1])
    cy, sy = math.cos(rpy[2]), math.sin(rpy[2])
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr, xyz[0]],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr, xyz[1]],
            [-sp, cp * sr, cp * cr, xyz[2]],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def rpy_from_pose(pose: Matrix) -> Vector3:
    """Roll, pitch, yaw of a pose; at pitch of +-90 degrees, roll is taken as 0."""
    r = pose[:3, :3]
    pitch = math.asin(max(-1.0, min(1.0, -float(r[2, 0]))))
    if abs(float(r[2, 0])) > 1.0 - 1e-12:
        return 0.0, pitch, math.atan2(-float(r[0, 1]), float(r[1, 1]))
    roll = math.atan2(float(r[2, 1]), float(r[2, 2]))
    return roll, pitch, math.atan2(float(r[1, 0]), float(r[0, 0]))


def pose_from_rotation_vector(xyz: Vector3, vector: Vector3) -> Matrix:
    """Pose from a translation and a rotation vector (axis times angle; Rodrigues' formula)."""
    pose = translation(*xyz)
    angle = math.sqrt(sum(v * v for v in vector))
    if angle > 0.0:
        x, y, z = (v / angle for v in vector)
        k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        pose[:3, :3] = np.eye(3) + math.sin(angle) * k + (1.0 - math.cos(angle)) * (k @ k)
    return pose


def quaternion_from_pose(pose: Matrix) -> Quaternion:
    """Unit quaternion (x, y, z, w) with w >= 0 of a pose's rotation."""
    r = pose[:3, :3]
    m00, m11, m22 = float(r[0, 0]), float(r[1, 1]), float(r[2, 2])
    # Of the four squared components, the largest is safe to divide by.
    squares = np.array([1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22])
    trace = 1 + m00 + m11 + m22
    if trace >= squares.max():
        q = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], trace])
    elif squares[0] >= squares[1] and squares[0] >= squares[2]:
        q = np.array([squares[0], r[0, 1] + r[1, 0], r[0, 2] + r[2, 0], r[2, 1] - r[1, 2]])
    elif squares[1] >= squares[2]:
        q = np.array([r[0, 1] + r[1, 0], squares[1], r[1, 2] + r[2, 1], r[0, 2] - r[2, 0]])
    else:
        q = np.array([r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], squares[2], r[1, 0] - r[0, 1]])
    q /= np.linalg.norm(q)
    if q[3] < 0.0:
        q = -q
    return float(q[0]), float(q[1]), float(q[2]), float(q[3])
