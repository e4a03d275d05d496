"""A simulation as a bag with its truth beside it."""

from __future__ import annotations

from pathlib import Path

from aisle.bags.store_io import BagWriter
from aisle.bags.truth import truth_of, write_truth
from aisle.records import WeightBatch
from aisle.sim.simulation import Simulation


def write_simulation(path: Path, simulation: Simulation) -> None:
    """Write store model, weights and gate events in order of arrival, and `truth.json`.

    The same simulation gives the same bytes.

    Raises:
        BagError: `path` exists already, or cannot be written.
    """
    with BagWriter(path) as writer:
        writer.store(simulation.store, simulation.start_ns, simulation.start_ns)
        for arrival in simulation.arrivals():
            if isinstance(arrival.record, WeightBatch):
                fixture = arrival.record.plates[0].split("/")[0]
                writer.weights(arrival.record, arrival.arrival_ns, fixture)
            else:
                writer.gate(arrival.record, arrival.arrival_ns)
    write_truth(path, truth_of(simulation))
