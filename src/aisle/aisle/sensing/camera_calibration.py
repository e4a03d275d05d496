"""How a camera maps directions to pixels, as messages tell it."""

from __future__ import annotations

import numpy as np

from aisle.records import CameraCalibration
from aisle.store.camera import intrinsics
from aisle.store.types import Camera

COEFFICIENTS = {"plumb_bob": (5,), "rational_polynomial": (8, 12, 14), "equidistant": (4,)}
"""How many each model of distortion has."""


class CalibrationError(ValueError):
    """A calibration that cannot be used; the text says why."""


def check_calibration(calibration: CameraCalibration) -> CameraCalibration:
    """Return the calibration.

    Raises:
        CalibrationError: Its numbers are those of no camera, or say that it is not calibrated.
    """
    model, k = calibration.model, calibration.k
    if len(calibration.distortion) not in COEFFICIENTS.get(model, ()):
        raise CalibrationError(f"no lens model is '{model}' of {len(calibration.distortion)}")
    numbers = (k, calibration.r, calibration.p, np.array(calibration.distortion))
    if not all(np.isfinite(array).all() for array in numbers):
        raise CalibrationError("not all numbers are finite")
    if k[0, 0] == 0.0:
        raise CalibrationError("the camera is not calibrated (its focal length is 0)")
    if not (k[0, 0] > 0.0 and k[1, 1] > 0.0 and k[2, 2] == 1.0):
        raise CalibrationError("the camera matrix needs positive focal lengths and a 1 at its end")
    return calibration


def calibration_of(camera: Camera) -> CameraCalibration:
    """Return what the store's rig says of a camera; rectified images keep the camera matrix."""
    k = intrinsics(camera)
    return CameraCalibration(
        camera=camera.id,
        width=camera.width,
        height=camera.height,
        model="plumb_bob",
        distortion=camera.distortion,
        k=k,
        r=np.eye(3),
        p=np.hstack([k, np.zeros((3, 1))]),
    )
