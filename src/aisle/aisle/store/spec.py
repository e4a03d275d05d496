"""What a generated store may look like."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StoreSpec:
    """What a generated store may look like. Ranges are inclusive; shares are probabilities.

    Tuples of whole numbers (`shelves`, `plates`) are choices, drawn once for each fixture.
    """

    name: str = "generated"
    currency: str = "EUR"
    gondolas: int = 5
    fridges: int = 0
    """Fixtures with a door, beside the gondolas."""
    shelves: tuple[int, ...] = (5, 6)
    plates: tuple[int, ...] = (9, 12)
    """Plates on a shelf."""
    plate_width_m: tuple[float, float] = (0.1, 0.1)
    """Drawn once for each fixture."""
    plate_depth_m: tuple[float, float] = (0.4, 0.4)
    span: tuple[tuple[int, float], ...] = ((1, 0.03), (2, 0.57), (3, 0.355), (4, 0.035), (6, 0.01))
    """Plates that a product takes, with probabilities."""
    shared_plates: float = 0.0
    """Share of one-plate places that hold two or three products side by side."""
    median_weight_kg: float = 0.13
    weight_spread: float = 0.8
    """Standard deviation of the logarithm of the weight."""
    weight_kg: tuple[float, float] = (0.024, 1.572)
    similar_neighbours: float = 0.28
    """Share of products made like their left neighbour: the same kind, less than 5 g apart."""
    empty_plates: float = 0.02
    """Share of places left without a product."""
    slots: int | None = None
    """Slots to keep, chosen at random; None keeps all that fit."""
    frameless: float = 0.2
    """Share of fixtures whose shelves have more plates than the store model has frames for."""
    bare_shelves: float = 0.0
    """Share of shelves without plates, whose products stand in areas."""
    bare_from_m: float = 0.0
    """Boards below this height have plates: cameras are farther from them."""
    doubled: float = 0.0
    """Share of places that hold a product which also stands elsewhere."""
    unplaced_products: int = 0
    """Catalogue entries that stand nowhere."""
    first_board_m: float = 0.33
    """Height of the lowest boards."""
    head_room_m: tuple[float, float] = (0.19, 0.38)
    """Room over a board, drawn once for each board of a fixture."""
    assortment: int = 0
    """Products to choose from that are made to be seen (`aisle.sim.products`); with 0, products
    are made up by their weights."""
    room_m: tuple[float, float] | None = None
    """Width and depth of a room with the fixtures along its walls and the gates in its front wall,
    fridges at the back; without it, fixtures stand in rows."""
    fixtures_per_row: int = 3
    aisle_m: tuple[float, float] = (1.4, 2.0)
    cameras: int = 0
    """Overhead cameras, placed where they see most (`aisle.store.placement`)."""
    camera_height_m: float = 2.6
    camera_pixels: tuple[int, int] = (640, 480)
    camera_fov_rad: float = 1.3
    camera_distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    camera_rate_hz: float = 10.0
    overviews: int = 0
    """Further cameras with a wide lens, which see where people are."""
    overview_pixels: tuple[int, int] = (640, 480)
    overview_fov_rad: float = 1.7
    rate_hz: float = 60.0
    samples_per_message: int = 12

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: Saying which field is wrong.
        """
        counts = (*self.shelves, *self.plates, *(n for n, _ in self.span), self.fixtures_per_row)
        if self.gondolas + self.fridges < 1 or min(self.gondolas, self.fridges) < 0:
            raise ValueError("gondolas + fridges must be at least 1")
        if not (self.shelves and self.plates and self.span) or min(counts) < 1:
            raise ValueError("shelves, plates, span and fixtures_per_row must be at least 1")
        chances = [chance for _, chance in self.span]
        if min(chances) < 0 or sum(chances) <= 0:
            raise ValueError("span needs chances that are not negative and not all 0")
        if not 0.0 < self.weight_kg[0] <= self.weight_kg[1] or self.median_weight_kg <= 0.0:
            raise ValueError("weights must be positive")
        if min(self.plate_width_m[0], self.plate_depth_m[0]) < 0.02:
            raise ValueError("plates must be at least 2 cm wide and deep")
        if self.first_board_m <= 0.0 or not 0.05 <= self.head_room_m[0] <= self.head_room_m[1]:
            raise ValueError("boards must be above the floor and have 5 cm and more of room")
        if min(self.cameras, self.overviews, self.assortment) < 0:
            raise ValueError("cameras, overviews and assortment must not be negative")
        if min(*self.camera_pixels, *self.overview_pixels) < 1 or self.camera_rate_hz <= 0.0:
            raise ValueError("pixels and rates of cameras must be positive")
        if not all(0.0 < fov < 3.1 for fov in (self.camera_fov_rad, self.overview_fov_rad)):
            raise ValueError("angles of view must be between 0 and 3.1")
        if not self.name:
            raise ValueError("name must not be empty")
