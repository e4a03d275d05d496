"""From the ideal picture to what a camera delivers: lens, light, noise, compression.

Everything is drawn from seeds: a `CameraModel` from its own, one picture's noise from the frame's
number; so the same scene, camera and number give the same bytes. To fill the corners that a
barrel-shaped lens pulls in, the ideal picture is drawn larger than the camera's: render
`CameraModel.ideal`, then `apply`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from aisle.store.camera import intrinsics, rays
from aisle.store.types import Camera

_TILES = 4
_BLUR_STEPS = 5


@dataclass(frozen=True)
class CameraQuality:
    """What one camera is like, but for its lens; the defaults are a camera without faults."""

    gain: float = 1.0
    """Exposure relative to a well exposed picture."""
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Gain of red, green, blue."""
    vignetting: float = 0.0
    """Share of the light that the corners lose."""
    blur_px: float = 0.0
    """Standard deviation of the lens' blur."""
    motion_px: float = 0.0
    """Length of the blur of what moves within an exposure, at full speed."""
    shot_noise: float = 0.0
    """Standard deviation at full brightness, of 255; falls with the root of the light."""
    read_noise: float = 0.0
    """Standard deviation in the dark, of 255."""
    flicker: float = 0.0
    """Standard deviation of the exposure from frame to frame."""
    jpeg: int = 0
    """Quality of compression from 1 to 100; 0 is none."""


def random_quality(rng: np.random.Generator) -> CameraQuality:
    """An ordinary camera of its own kind, uncompressed: its link decides about that."""
    warm = rng.normal(0, 0.04)
    return CameraQuality(
        gain=float(np.clip(rng.normal(1.0, 0.12), 0.7, 1.35)),
        white=(float(1 + warm), float(1 + rng.normal(0, 0.015)), float(1 - warm)),
        vignetting=float(rng.uniform(0.05, 0.3)),
        blur_px=float(rng.uniform(0.3, 0.7)),
        shot_noise=float(rng.uniform(2.0, 6.0)),
        read_noise=float(rng.uniform(0.8, 2.5)),
        flicker=float(rng.uniform(0.0, 0.02)),
    )


class CameraModel:
    """One camera with its faults.

    Args:
        camera: Pose, size and lens of the pictures it delivers: what `aisle.store.camera` says
            of it holds in them.
        quality: None draws an ordinary camera from the seed.
        seed: Of the camera and of all its noise.

    Raises:
        ValueError: The camera's distortion turns back on itself inside the picture.

    Attributes:
        camera: As given.
        quality: As given or drawn.
        ideal: The camera to render: same place and focal length, no distortion, and more picture
            around where the lens sees more.
    """

    def __init__(
        self, camera: Camera, quality: CameraQuality | None = None, *, seed: int = 0
    ) -> None:
        self._seed = seed
        rng = np.random.default_rng([seed, 21])
        self.camera = camera
        self.quality = random_quality(rng) if quality is None else quality
        self._k = intrinsics(camera)
        flat = self._flat()
        self.ideal = self._around(flat)
        self._map = self._fixed_map(flat)
        self._light = self._light_map()
        self._grain = _noise_tiles(rng, camera, self.quality)
        self._shot = self._shot_table()

    def apply(
        self,
        ideal: NDArray[np.uint8],
        number: int,
        *,
        before: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """What the camera delivers.

        Args:
            ideal: [H', W', 3] RGB rendered with `ideal`.
            number: Of the frame; decides its noise.
            before: The ideal picture before, to blur what has moved since; None does not.

        Returns:
            [H, W, 3] RGB.

        Raises:
            ValueError: the picture is not of the size of `ideal`.
        """
        if ideal.shape != (self.ideal.height, self.ideal.width, 3):
            raise ValueError(
                f"the picture is {ideal.shape}, rendered with `ideal` it would be "
                f"({self.ideal.height}, {self.ideal.width}, 3)"
            )
        quality = self.quality
        rng = np.random.default_rng([self._seed, 22, number])
        out: MatLike = ideal
        if before is not None and quality.motion_px > 0:
            # Half of the light comes from before: double edges, as long exposures have them.
            out = cv2.addWeighted(out, 0.65, before, 0.35, 0)
        if self._map is not None:
            out = cv2.remap(out, *self._map, cv2.INTER_LINEAR)
        if quality.blur_px > 0:
            out = cv2.GaussianBlur(out, (3, 3), quality.blur_px)
        exposure = 1.0 + quality.flicker * rng.normal()
        out = cv2.multiply(out, self._light, scale=exposure / 128)
        out = self._noisy(out, rng)
        if quality.jpeg:
            options = [cv2.IMWRITE_JPEG_QUALITY, quality.jpeg]
            _, packed = cv2.imencode(".jpg", cv2.cvtColor(out, cv2.COLOR_RGB2BGR), options)
            out = cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        return np.ascontiguousarray(out, np.uint8)

    def _noisy(self, picture: MatLike, rng: np.random.Generator) -> MatLike:
        """Shot and read noise, from one of few fields shifted at random."""
        if self._grain is None:
            return picture
        height, width = picture.shape[:2]
        tile = self._grain[int(rng.integers(len(self._grain)))]
        y, x = int(rng.integers(64)), int(rng.integers(64))
        grain: MatLike = tile[y : y + height, x : x + width]
        if rng.integers(2):
            grain = cv2.flip(grain, int(rng.integers(-1, 2)))
        strength = cv2.LUT(picture, self._shot)
        noise = cv2.multiply(grain, strength, scale=1 / 64, dtype=cv2.CV_16S)
        return cv2.add(picture, noise, dtype=cv2.CV_8U)

    def _flat(self) -> NDArray[np.float64]:
        """[H, W, 2] where the ray of each delivered pixel meets the plane one metre ahead."""
        height, width = self.camera.height, self.camera.width
        grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float64)
        if not any(self.camera.distortion):
            return np.asarray((grid - self._k[:2, 2]) / np.diag(self._k)[:2])
        # Not OpenCV's: where a wide lens is about to turn back, it is tens of pixels off.
        _, ahead = rays(replace(self.camera, pose=np.eye(4)), grid.reshape(-1, 2))
        flat = ahead[:, :2] / ahead[:, 2:]
        if not np.isfinite(flat).all():
            raise ValueError(f"camera {self.camera.id}: its distortion turns back on itself")
        return flat.reshape(height, width, 2)

    def _around(self, flat: NDArray[np.float64]) -> Camera:
        """The delivered picture without distortion, with whole pixels added until all rays fit."""
        camera, k = self.camera, self._k
        if not any(camera.distortion):
            return camera
        at = flat.reshape(-1, 2) * np.diag(k)[:2] + k[:2, 2]
        last = np.array([camera.width - 1, camera.height - 1])
        # What rounding errors alone ask for is not worth a row.
        left, top = np.ceil(np.maximum(-at.min(0) - 1e-6, 0)).astype(int).tolist()
        right, bottom = np.ceil(np.maximum(at.max(0) - last - 1e-6, 0)).astype(int).tolist()
        width = camera.width + left + right
        return replace(
            camera,
            width=width,
            height=camera.height + top + bottom,
            horizontal_fov_rad=2 * math.atan(width / 2 / k[0, 0]),
            focal_px=(float(k[0, 0]), float(k[1, 1])),
            centre_px=(float(k[0, 2]) + left, float(k[1, 2]) + top),
            distortion=(0.0, 0.0, 0.0, 0.0, 0.0),
        )

    def _fixed_map(self, flat: NDArray[np.float64]) -> tuple[MatLike, MatLike] | None:
        if not any(self.camera.distortion):
            return None
        k = intrinsics(self.ideal)
        at = (flat * np.diag(k)[:2] + k[:2, 2]).astype(np.float32)
        x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
        return cv2.convertMaps(x, y, cv2.CV_16SC2)

    def _light_map(self) -> NDArray[np.uint8]:
        """[H, W, 3] gain, white balance and vignetting; 128 is one."""
        height, width = self.camera.height, self.camera.width
        y = (np.arange(height) - (height - 1) / 2)[:, None]
        x = (np.arange(width) - (width - 1) / 2)[None, :]
        radius = np.hypot(y, x) / math.hypot(height / 2, width / 2)
        fall = 1.0 - self.quality.vignetting * radius**2.5
        gain = self.quality.gain * np.array(self.quality.white)
        light: NDArray[np.float64] = np.round(128 * fall[..., None] * gain)
        return np.clip(light, 0, 255).astype(np.uint8)

    def _shot_table(self) -> NDArray[np.uint8]:
        """[256] by brightness: the noise's strength; 64 is one unit of a noise field."""
        light = np.arange(256) / 255
        sigma = np.sqrt(self.quality.read_noise**2 + self.quality.shot_noise**2 * light)
        return np.clip(np.round(sigma * 8), 0, 255).astype(np.uint8)


def _noise_tiles(
    rng: np.random.Generator, camera: Camera, quality: CameraQuality
) -> list[NDArray[np.int16]] | None:
    """Fields of unit noise times 8, larger than a picture so that they can be shifted."""
    if quality.shot_noise <= 0 and quality.read_noise <= 0:
        return None
    shape = (camera.height + 64, camera.width + 64, 3)
    fields = []
    for _ in range(_TILES):
        field = rng.standard_normal(shape, np.float32)
        # Demosaicing spreads noise over neighbours; the share keeps its strength.
        spread = cv2.GaussianBlur(field, (3, 3), 0.6)
        fields.append(np.clip(spread / spread.std() * 8, -127, 127).astype(np.int16))
    return fields
