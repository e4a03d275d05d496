"""A small store, readings of its scales by hand, and a model that only sees plain steps."""

import numpy as np

from aisle.fusion.fusion import Fusion
from aisle.fusion.windows import CHOICES, MARKS
from aisle.records import GateEvent, GateKind, PlateStatus, WeightBatch
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

SECOND = 1_000_000_000
START = 1_000 * SECOND
PERIOD = SECOND // 60
ROWS = 12


def small_store(seed=5, **spec):
    spec = {"gondolas": 1, "shelves": (2,), "plates": (4,), **spec}
    return generate_store(np.random.default_rng(seed), StoreSpec(**spec))


def at(seconds):
    return START + round(seconds * SECOND)


def enter(session, seconds, gate="north"):
    return GateEvent(at(seconds), gate, GateKind.ENTER, session)


def leave(session, seconds, gate="north"):
    return GateEvent(at(seconds), gate, GateKind.EXIT, session)


def batches(store, begin_s, end_s, taken=(), controllers=None, bad=()):
    """Batches of all controllers by time.

    `taken` holds (plate, second, kilograms) that go away, `bad` (plate, from, to) of overloads.
    """
    for number in range(round(begin_s * 5), round(end_s * 5)):
        for name in controllers or store.controllers:
            controller = store.controllers[name]
            stamp_ns = START + number * ROWS * PERIOD
            seconds = (stamp_ns + PERIOD * np.arange(ROWS) - START) / SECOND
            kilograms = np.full((ROWS, len(controller.plates)), 5.0, np.float32)
            for plate, when, mass in taken:
                if plate in controller.plates:
                    kilograms[seconds >= when, controller.plates.index(plate)] -= mass
            status = np.zeros(len(controller.plates), np.uint8)
            for plate, begin, end in bad:
                if plate in controller.plates and begin <= seconds[0] < end:
                    kilograms[:, controller.plates.index(plate)] = np.nan
                    status[controller.plates.index(plate)] = PlateStatus.OVERLOAD
            yield WeightBatch(name, stamp_ns, PERIOD, controller.plates, kilograms, status)


def in_order(*streams):
    """Records of several streams by stamp; those of one stamp in the order of the streams."""
    records = [record for stream in streams for record in stream]
    return sorted(records, key=lambda r: r.end_ns if isinstance(r, WeightBatch) else r.stamp_ns)


def push_all(fusion, records):
    return [prediction for record in records for prediction in fusion.push(record)]


def gaps(found, session):
    """Each gap once: the final prediction holds them all again."""
    return list(dict.fromkeys(gap for p in found if p.session == session for gap in p.gaps))


def finals(found):
    return [p.session for p in found if p.final]


def changes(found):
    return {change.id: change for p in found for change in p.changes}


class Steps:
    """Says that one unit of the product on the plate that lost most was taken, once a window."""

    def __init__(self):
        self.manifest, self.windows = {}, []

    def run(self, windows):
        self.windows += windows
        count = len(windows)
        candidates = max(len(w.candidates) for w in windows)
        plates = max(len(w.plates) for w in windows)
        outputs = {
            "none_logit": np.full((count, 1), 20, np.float32),
            "candidate_logits": np.full((count, candidates, CHOICES), -20, np.float32),
            "withdraw_logits": np.full((count, max(len(w.commits) for w in windows)), -20.0),
            "session_logits": np.zeros(
                (count, candidates, max(len(w.sessions) for w in windows)), np.float32
            ),
            "event_logits": np.eye(1, MARKS, MARKS - 1, dtype=np.float32).repeat(count, 0),
            "log_mass": np.zeros(count, np.float32),
            "plate_delta": np.zeros((count, plates), np.float32),
        }
        for row, window in enumerate(windows):
            lost = window.arrays["plate_signal"][:, -8:].mean(axis=1)
            if lost.min() < -0.05 and not window.commits:
                plate = int(lost.argmin())
                on = window.arrays["candidate_plates"][:, plate]
                outputs["candidate_logits"][row, int(on.argmax()), 0] = 40
                outputs["log_mass"][row] = np.log(-lost.min())
                outputs["plate_delta"][row, plate] = lost.min()
        return outputs


def fusion_of(store, runtime=None):
    return Fusion(store, runtime or Steps())
