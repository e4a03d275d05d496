"""What happens in a simulated store: a scenario file, checked."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


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


class Scales(_Part):
    """How the scales misbehave."""

    noise: float = Field(1.0, ge=0, description="factor on the fitted noise")
    bursts_per_minute: float = Field(2.0, ge=0, description="vibrations of a whole fixture")
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


class Catalogue(_Part):
    """How far true weights are from the catalogue."""

    relative_error: float = Field(0.015, ge=0)
    tail_share: float = Field(0.12, ge=0, le=1)
    tail_kg: float = Field(0.04, ge=0, description="largest error of the tail, kilograms")
    unit_spread: float = Field(0.006, ge=0, description="relative spread from unit to unit")


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
    catalogue: Catalogue = Catalogue()
    carried_at_start: int = Field(
        0, ge=0, le=20, description="products in hand on entering (training)"
    )
    group_size: tuple[int, int] = (1, 1)


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
