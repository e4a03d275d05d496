"""What a benchmark can run: suites of scenarios, each with a kind of store and what may be used."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from aisle.sim.products.names import brand_name, read_label
from aisle.sim.scenario import Actions, Cameras, Catalogue, Scales, Scenario
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from aisle.store.types import Product, Store

SCALES, CAMERAS = "scales", "cameras"
MODALITIES = frozenset({SCALES, CAMERAS})

_UNSEEN_STARTS = ("C", "Ch", "H", "J", "Sh", "Th", "X", "Y")
"""How brands begin that no training made up: `brand_name` knows none of these."""
_WEIGHT_SPREAD = 0.25


@dataclass(frozen=True)
class Suite:
    """One suite of a benchmark."""

    name: str
    about: str
    """What happens, in a sentence for the page."""
    scenarios: tuple[Scenario, ...]
    """Simulations take turns through them."""
    spec: StoreSpec
    """Of the store where none is given."""
    modalities: frozenset[str] = MODALITIES
    """What a method may use; the rest is withheld."""
    new_products: bool = False
    """With products of its own, of which training knows neither looks nor names nor weights."""

    def scenario(self, number: int) -> Scenario:
        """The scenario of a simulation, counted from 0."""
        return self.scenarios[number % len(self.scenarios)]

    def simulations(self, sessions: int) -> int:
        """How many simulations it takes to have at least so many sessions."""
        count = 0
        while sessions > 0:
            sessions -= self.scenario(count).shoppers
            count += 1
        return count

    def store(self, seed: int) -> Store:
        """A store that training never saw."""
        rng = rng_of(seed)
        store = generate_store(rng, self.spec)
        return with_new_products(store, seed) if self.new_products else store


def rng_of(seed: int) -> np.random.Generator:
    """Generator for stores that training never saw."""
    return np.random.default_rng((1 << 40, seed))


def with_new_products(store: Store, seed: int) -> Store:
    """Give all products brands that training cannot have made up, and other weights.

    How a product looks follows from its name, so it looks new too. Products of one line (brand,
    sort and size) stay alike and weigh the same as each other. Weights leave those of the fixed
    sizes that all assortments are made of.
    """
    draw = Random(f"new products {seed}")
    brands: dict[str, str] = {}
    factors: dict[tuple[str, str, str], float] = {}
    products: dict[str, Product] = {}
    for product in store.products.values():
        label = read_label(product.name)
        old = label.brand or product.id
        if old not in brands:
            brands[old] = _new_brand(draw, set(brands.values()))
        line = old, label.noun, label.net
        factor = factors.setdefault(line, float(np.exp(draw.uniform(-1, 1) * _WEIGHT_SPREAD)))
        name = f"{brands[old]} {product.name.removeprefix(label.brand).strip()}"
        kg = round(product.weight_kg * factor, 4)
        products[product.id] = replace(product, name=name, weight_kg=kg)
    return replace(store, products=products)


def _new_brand(draw: Random, taken: set[str]) -> str:
    while True:
        start = draw.choice(_UNSEEN_STARTS)
        name = re.sub("^[^aeiou]+", start, brand_name(draw).lower()).capitalize()
        if name not in taken:
            return name


_SCALES = Scales(stuck_plates=0.01, dropped_messages=0.001, late_messages=0.002)

_CALM = Scenario(
    name="calm",
    shoppers=1,
    stay_s=(60.0, 110.0),
    action_s=8.0,
    overlap=0.05,
    actions=Actions(),
    scales=_SCALES,
    catalogue=Catalogue(),
)

_SEEN = _CALM.model_copy(update={"walk": True})
"""The same with bodies."""

_BUSY = Scenario(
    name="busy",
    shoppers=6,
    together=6,
    walk=True,
    stay_s=(75.0, 95.0),
    action_s=7.0,
    actions=Actions(two_hands=0.05, hand_over=0.02, two_at_slot=0.04),
    scales=_SCALES,
)

_CONFUSING = Scenario(
    name="confusing",
    shoppers=4,
    together=4,
    walk=True,
    stay_s=(60.0, 100.0),
    action_s=6.0,
    group_size=(1, 2),
    actions=Actions(
        take=0.06, take_several=0.03, put_back=0.03, put_back_elsewhere=0.20,
        look_and_put_back=0.27, touch=0.03, two_hands=0.02, hand_over=0.20, swap_places=0.03,
        two_at_slot=0.16, crowd=0.03,
    ),
)  # fmt: skip

_ROWS = StoreSpec(
    name="unseen", gondolas=4, shelves=(4,), plates=(8,), plate_width_m=(0.14, 0.14),
    span=((1, 0.4), (2, 0.4), (3, 0.2)), median_weight_kg=0.22,
)  # fmt: skip
"""Of another make than full_rack: other fixtures, plates and products."""

_ROOM = StoreSpec(
    name="room", room_m=(4.2, 5.2), gondolas=3, fridges=1, shelves=(4,), first_board_m=0.3,
    head_room_m=(0.3, 0.34), plates=(6,), plate_width_m=(0.2, 0.2), frameless=0.0,
    assortment=160, span=((1, 0.4), (2, 0.6)), empty_plates=0.0,
    cameras=4, camera_height_m=2.4, camera_pixels=(800, 600), camera_fov_rad=0.9,
    camera_distortion=(-0.12, 0.02, 0.0005, -0.0005, 0.0), camera_rate_hz=5.0,
    overviews=1, overview_fov_rad=2.0,
)  # fmt: skip
"""Like corner, but with plates on all shelves, so that scales alone can notice everything, and half
of its pictures, since drawing them takes longest."""

_ALL = (
    Suite(
        "calm",
        "One shopper with a body at a time, about one action in 8 s, a tenth of them put-backs on "
        "a wrong shelf.",
        (_SEEN,),
        _ROOM,
    ),
    Suite(
        "overlapping",
        "One shopper at a time, about one action in 6 s, seven in ten of them 0.2 to 2 s after "
        "the one before on the same shelf.",
        (_CALM.model_copy(update={"name": "overlapping", "overlap": 0.7, "action_s": 6.0}),),
        _ROWS,
    ),
    Suite(
        "together",
        "Three shoppers at once who never meet: nobody hands anything over.",
        (_CALM.model_copy(update={"name": "together", "shoppers": 3, "together": 3}),),
        _ROWS,
    ),
    Suite(
        "busy",
        "Three, four, five or six shoppers with bodies at once, who are in each other's way.",
        tuple(
            _BUSY.model_copy(update={"shoppers": count, "together": count}) for count in range(3, 7)
        ),
        _ROOM,
    ),
    Suite(
        "camera_lost",
        "As `busy`; in the middle of each visit one of the cameras that look at shelves dies.",
        tuple(
            _BUSY.model_copy(
                update={
                    "name": "camera_lost",
                    "shoppers": count,
                    "together": count,
                    "cameras": Cameras(silent=((camera, 45.0, 1e4),)),
                }
            )
            for count, camera in zip(range(3, 7), ("cam1", "cam2", "cam3", "cam4"), strict=True)
        ),
        _ROOM,
    ),
    Suite(
        "confusing",
        "Four at once, some with a companion; at least 40 % of the actions are hand-overs, "
        "put-backs on a wrong shelf, looks with a put-back, or two at one shelf.",
        (_CONFUSING,),
        _ROOM,
    ),
    Suite(
        "new_products",
        "One shopper with a body at a time, as calm as `calm`, among products of which training "
        "knew neither brands nor looks nor weights.",
        (_SEEN.model_copy(update={"name": "new_products"}),),
        replace(_ROOM, name="new products"),
        new_products=True,
    ),
    Suite(
        "cameras_only",
        "One shopper with a body at a time, as calm as `calm`, with all scales withheld.",
        (_SEEN.model_copy(update={"name": "cameras_only"}),),
        _ROOM,
        frozenset({CAMERAS}),
    ),
    Suite(
        "scales_only",
        "One shopper at a time, as calm as `calm`, in a store without cameras.",
        (_CALM.model_copy(update={"name": "scales_only"}),),
        _ROWS,
        frozenset({SCALES}),
    ),
)

SUITES = {suite.name: suite for suite in _ALL}
