"""What happens in a simulated store: a scenario file, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class ScenarioError(ValueError):
    """A scenario file that cannot be used; the message names the file, the field and the rule."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Actions(_Part):
    """Relative frequencies of what a shopper does at a shelf."""

    take: float = Field(0.58, ge=0)
    take_several: float = Field(0.08, ge=0)
    put_back: float = Field(0.06, ge=0)
    put_back_elsewhere: float = Field(0.10, ge=0)
    look_and_put_back: float = Field(0.06, ge=0)
    touch: float = Field(0.12, ge=0)
    two_hands: float = Field(0.0, ge=0, description="take with both hands at once")
    hand_over: float = Field(0.0, ge=0, description="give something to another person")
    swap_places: float = Field(0.0, ge=0, description="change places with a neighbour")
    two_at_slot: float = Field(0.0, ge=0, description="two people take from one slot at once")
    crowd: float = Field(0.0, ge=0, description="up to four people at one bay")


BETWEEN_PEOPLE = ("two_hands", "hand_over", "swap_places", "two_at_slot", "crowd")
"""Actions that need bodies: only with `walk`."""


class Guest(_Part):
    """One visit of a scripted scenario: the first guest is `shopper-1`."""

    enter_s: float = Field(ge=0, description="passes the gate not before this")
    bags: tuple[Literal["basket", "tote", ""], ...] = Field(
        ("basket",), min_length=1, max_length=8, description="one for each of the group"
    )


class Cue(_Part):
    """One thing that somebody does in a scripted scenario, as soon as it can be done."""

    who: int = Field(ge=1, description="number of the guest")
    person: int = Field(0, ge=0, description="who of the group")
    at_s: float = Field(0.0, ge=0, description="not before this")
    do: Literal[
        "take", "put_back", "put_back_elsewhere", "look_and_put_back", "touch", "two_hands",
        "hand_over", "swap_places", "two_at_slot",
    ]  # fmt: skip
    product: str = Field("", description="empty: any")
    shelf: str = Field("", description="where; empty: where the product belongs, or anywhere")
    quantity: int = Field(1, ge=1, le=4)
    to: int = Field(0, ge=0, description="guest who is given something or takes part")
    to_person: int = Field(0, ge=0)
    keep: bool = Field(False, description="what was taken stays in the hand")


class Scales(_Part):
    """How the scales misbehave."""

    noise: float = Field(1.0, ge=0, description="factor on the fitted noise")
    bursts_per_minute: float = Field(2.0, ge=0, description="vibrations of a whole fixture")
    sways_per_minute: float = Field(
        0.5, ge=0, description="slow shifts of a few grams for each shelf: leaning, settling goods"
    )
    stuck_plates: float = Field(0.0, ge=0, le=1, description="share of plates that never change")
    dead_plates: float = Field(0.0, ge=0, le=1, description="share of plates without readings")
    overload: float = Field(0.0, ge=0, le=1, description="share of plates loaded near capacity")
    dropped_messages: float = Field(0.001, ge=0, le=1)
    late_messages: float = Field(
        0.002, ge=0, le=1, description="share that arrives 0.1 to 0.4 s late"
    )
    silent: tuple[tuple[str, float, float], ...] = Field(
        (), description="controller, from, to: seconds in which a controller says nothing"
    )


class Cameras(_Part):
    """How the cameras misbehave; lens, light and noise are the camera's own."""

    dropped_frames: float = Field(0.001, ge=0, le=1)
    late_frames: float = Field(0.002, ge=0, le=1, description="share that is held up 0.1 to 0.4 s")
    clock_offset_s: float = Field(
        0.005, ge=0, le=10, description="largest error of a camera's clock, either way"
    )
    silent: tuple[tuple[str, float, float], ...] = Field(
        (), description="camera, from, to: seconds in which a camera gives nothing"
    )


class Catalogue(_Part):
    """How far true weights are from the catalogue."""

    relative_error: float = Field(0.015, ge=0)
    tail_share: float = Field(0.12, ge=0, le=1)
    tail_kg: float = Field(0.04, ge=0, description="largest error of the tail, kilograms")
    unit_spread: float = Field(0.006, ge=0, description="relative spread from unit to unit")

    def true_kg(self, kg: float, rng: np.random.Generator) -> float:
        """Draw what a product of this catalogue weight really weighs."""
        true = kg * (1 + rng.normal(0, self.relative_error)) + rng.normal(0, 0.0006)
        if rng.random() < self.tail_share:
            limit = min(self.tail_kg, 0.3 * kg)
            true = kg + rng.uniform(-limit, limit)
        return float(max(true, 0.3 * kg))


class Scenario(_Part):
    """One scenario. Times in seconds; a seed makes a simulation of it."""

    name: str = "calm"
    shoppers: int = Field(4, ge=0, le=100_000)
    together: int = Field(1, ge=1, le=64, description="shoppers in the store at once, at most")
    stay_s: tuple[float, float] = (60.0, 110.0)
    between_s: tuple[float, float] = (2.0, 5.0)
    lead_s: float = Field(6.0, ge=0, description="quiet time before the first shopper")
    action_s: float = Field(8.0, gt=0, description="mean time between a shopper's actions")
    overlap: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of actions 0.2 to 2 s after the one before, on the same shelf",
    )
    actions: Actions = Actions()
    max_several: int = Field(3, ge=2, le=4)
    same_fixture: float = Field(0.6, ge=0, le=1, description="chance to stay at a fixture")
    slop_m: float = Field(0.015, ge=0, description="how far a product stands over its slot's edge")
    scales: Scales = Scales()
    cameras: Cameras = Cameras()
    catalogue: Catalogue = Catalogue()
    carried_at_start: int = Field(
        0, ge=0, le=20, description="products in hand on entering (training)"
    )
    group_size: tuple[int, int] = (1, 1)
    walk: bool = Field(
        False,
        description="people with bodies: they walk, reach and carry, and each unit is a thing; "
        "cameras need it",
    )
    cast: tuple[Guest, ...] = Field((), description="visits of a scripted scenario")
    cues: tuple[Cue, ...] = Field((), description="what the cast does, each in this order")

    @model_validator(mode="after")
    def _fits(self) -> Scenario:
        if not self.walk:
            used = [name for name in BETWEEN_PEOPLE if getattr(self.actions, name) > 0]
            if used:
                raise ValueError(f"actions {', '.join(used)} need walk: true")
            if self.cast:
                raise ValueError("a cast needs walk: true")
        elif self.carried_at_start:
            raise ValueError("carried_at_start is for scenarios without walk")
        for number, cue in enumerate(self.cues, start=1):
            for who, person in ((cue.who, cue.person), (cue.to or cue.who, cue.to_person)):
                if who > len(self.cast) or person >= len(self.cast[who - 1].bags):
                    raise ValueError(f"cue {number}: nobody is guest {who}, person {person}")
            if cue.do in ("hand_over", "swap_places", "two_at_slot") and not cue.to:
                raise ValueError(f"cue {number}: {cue.do} needs to")
        return self


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        ScenarioError: The file is missing, is not YAML, or breaks a rule.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Scenario.model_validate({"name": path.stem, **(data or {})})
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        raise ScenarioError(f"{path}: not a YAML mapping: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(f"{path}: {where}: {first['msg']}") from error
