"""The simulation that several nodes rebuild from the same parameters, each for its own part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aisle.store.load import load_store
from aisle.store.types import Store
from aisle_nodes.parameters import ParameterError
from aisle_nodes.schemas import SimulatedParameters

if TYPE_CHECKING:
    from aisle.sim.simulation import Simulation


def store_of(path: str) -> Store:
    """Load the store in a folder.

    Raises:
        ParameterError: no folder is given.
        StoreError: its files have mistakes.
    """
    if not path:
        raise ParameterError("parameter 'store' must be the folder of a store, is empty")
    return load_store(Path(path))[0]


def simulation_of(params: SimulatedParameters) -> Simulation:
    """Rebuild the simulation; equal parameters give equal simulations in every process.

    Raises:
        ParameterError: `store` or `start_ns` is missing.
        StoreError, ScenarioError: a file has mistakes.
    """
    if not params.start_ns:
        raise ParameterError("parameter 'start_ns' must be the stamp of the beginning, is 0")
    # Here, so that a node with real devices does not load the simulator.
    from aisle.sim.scenario import Scenario, load_scenario
    from aisle.sim.simulation import simulate

    scenario = load_scenario(Path(params.scenario)) if params.scenario else Scenario()
    return simulate(store_of(params.store), scenario, params.seed, params.start_ns)
