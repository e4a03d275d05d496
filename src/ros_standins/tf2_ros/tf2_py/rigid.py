"""Rigid transforms: a translation in metres and a unit quaternion (x, y, z, w)."""

from __future__ import annotations

import math
from dataclasses import dataclass

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]


def multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """Return the rotation ``b`` followed by ``a``."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by + ay * bw + az * bx - ax * bz,
        aw * bz + az * bw + ax * by - ay * bx,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def rotate(q: Quaternion, v: Vector) -> Vector:
    """Return ``v`` rotated by ``q``."""
    x, y, z, _ = multiply(multiply(q, (*v, 0.0)), (-q[0], -q[1], -q[2], q[3]))
    return (x, y, z)


def slerp(a: Quaternion, b: Quaternion, ratio: float) -> Quaternion:
    """Return the rotation at ``ratio`` of the shorter way from ``a`` to ``b``."""
    cosine = sum(p * q for p, q in zip(a, b, strict=True))
    sign = -1.0 if cosine < 0 else 1.0
    angle = math.acos(min(1.0, abs(cosine)))
    if angle == 0.0:
        return a
    weight_a = math.sin((1.0 - ratio) * angle) / math.sin(angle)
    weight_b = sign * math.sin(ratio * angle) / math.sin(angle)
    x, y, z, w = (weight_a * p + weight_b * q for p, q in zip(a, b, strict=True))
    return (x, y, z, w)


@dataclass(frozen=True)
class Rigid:
    """Maps coordinates of a child frame to those of its parent."""

    translation: Vector = (0.0, 0.0, 0.0)
    rotation: Quaternion = (0.0, 0.0, 0.0, 1.0)

    def after(self, first: Rigid) -> Rigid:
        """Return the transform that applies ``first``, then this one."""
        x, y, z = rotate(self.rotation, first.translation)
        tx, ty, tz = self.translation
        return Rigid((x + tx, y + ty, z + tz), multiply(self.rotation, first.rotation))

    def inverse(self) -> Rigid:
        """Return the opposite transform."""
        x, y, z, w = self.rotation
        back = (-x, -y, -z, w)
        tx, ty, tz = self.translation
        return Rigid(rotate(back, (-tx, -ty, -tz)), back)

    def towards(self, other: Rigid, ratio: float) -> Rigid:
        """Return the transform at ``ratio`` between this one (0) and ``other`` (1)."""
        x, y, z = (
            p + ratio * (q - p) for p, q in zip(self.translation, other.translation, strict=True)
        )
        return Rigid((x, y, z), slerp(self.rotation, other.rotation, ratio))
