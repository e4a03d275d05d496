"""How far the doors of a simulated store stand open."""

from __future__ import annotations

from aisle.sim.choreography.player import door_angle
from aisle.sim.simulation import SECOND, Simulation


def door_angles(simulation: Simulation, stamp_ns: int) -> dict[str, float]:
    """Opening angle of each fridge's door at a moment, in radians by fixture; 0 is shut."""
    at_s = (stamp_ns - simulation.start_ns) / SECOND
    return {
        fixture.id: door_angle([m for m in simulation.script.doors if m.fixture == name], at_s)
        for name, fixture in simulation.store.fixtures.items()
        if fixture.kind == "fridge"
    }
