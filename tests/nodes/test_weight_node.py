"""weight_node with a serial scale on a pseudo-terminal, and with a recorded table."""

import os
import pty
import tty

import numpy as np
import pytest
from aisle_msgs.msg import WeightReadings
from aisle_msgs.srv import TarePlate

from aisle.store.load import load_store
from aisle_nodes.interfaces import WEIGHTS_IN
from aisle_nodes.weight_node import WeightNode


@pytest.fixture
def terminal(tmp_path):
    host, device = pty.openpty()
    tty.setraw(host)
    link = tmp_path / "usb-Maker_Scale_0001"
    link.symlink_to(os.ttyname(device))
    yield host, link
    os.close(host)
    os.close(device)


def test_serial_scale_is_published_tared_and_watched(graph, store_dir, terminal, tmp_path):
    host, port = terminal
    controller = load_store(store_dir)[0].controllers["g1"]
    parameters = {
        "store": str(store_dir),
        "source": "serial",
        "port": str(port),
        "controllers": ["g1"],
        "state_dir": str(tmp_path / "state"),
        "frozen_after_s": 1e-6,
    }
    node = graph.start(WeightNode, **parameters)
    got = graph.listen(WeightReadings, "weights/g1", WEIGHTS_IN)
    graph.until(lambda: node.count_subscribers("weights/g1"))
    graph.until(lambda: graph.counter("weight_node", "opened") == 1)
    values = ",".join(["0.5"] * (len(controller.plates) - 1))
    rows = 10 * controller.samples_per_message
    for sequence in range(rows):
        os.write(host, f"{sequence},{values},{sequence % 7 / 1000 + 1}\n".encode())
        graph.executor.spin_once(timeout_sec=0.0)
    os.write(host, b"nonsense\n")
    graph.until(lambda: len(got) >= 10)
    assert got[0].plates == list(controller.plates)
    assert got[0].samples == controller.samples_per_message
    graph.until(lambda: graph.counter("weight_node", "damaged_lines") == 1)
    level, text, _ = graph.diagnostics["weight_node"]
    assert "always the same reading" in text
    assert controller.plates[0] in text
    assert controller.plates[-1] not in text
    assert level == 1

    answer = graph.call(TarePlate, "weights/g1/tare", plate=controller.plates[0])
    assert answer.success, answer.message
    assert answer.offset == pytest.approx(0.5)
    graph.stop(node)

    graph.diagnostics.clear()
    graph.start(WeightNode, **parameters)
    graph.until(lambda: graph.counter("weight_node", "opened") == 1)
    got.clear()
    for sequence in range(controller.samples_per_message):
        os.write(host, f"{sequence},{values},1.0\n".encode())
    graph.until(lambda: got)
    kilograms = np.array(got[0].kilograms).reshape(-1, len(controller.plates))
    assert kilograms[0, :2] == pytest.approx([0.0, 0.5], abs=1e-6)
    answer = graph.call(TarePlate, "weights/g1/tare", plate="g9/s9/p9")
    assert not answer.success
    assert "g9/s9/p9" in answer.message


def test_recorded_table_is_played_from_now_on(graph, store_dir, tmp_path):
    plates = load_store(store_dir)[0].controllers["g2"].plates
    table = tmp_path / "recorded.csv"
    rows = [f"{1000 + k / 60}," + ",".join(["0.25"] * len(plates)) for k in range(60)]
    table.write_text("\n".join(["stamp," + ",".join(plates), *rows]))
    got = graph.listen(WeightReadings, "weights/g2", WEIGHTS_IN)
    node = graph.start(
        WeightNode, store=str(store_dir), source="file", file=str(table), controllers=["g2"]
    )
    graph.until(lambda: len(got) == 5)
    stamps = [message.header.stamp.sec + message.header.stamp.nanosec / 1e9 for message in got]
    assert np.diff(stamps) == pytest.approx([0.2] * 4, abs=1e-6)
    assert abs(node.now_ns() / 1e9 - stamps[-1]) < 5.0


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"controllers": ["g7"]}, "'controllers' must name controllers of the store (g1, g2)"),
        ({"source": "serial"}, "needs one controller"),
        ({"source": "file", "file": "/no/such.csv"}, "'file' must be a recording"),
        ({"source": "simulator"}, "'start_ns' must be the stamp of the beginning"),
        ({"store": ""}, "'store' must be the folder of a store"),
        ({"store": "/no/such"}, "/no/such is not a folder"),
    ],
)
def test_start_that_cannot_be_says_why(graph, store_dir, values, text):
    with pytest.raises(AssertionError, match="did not start"):
        graph.start(WeightNode, **{"store": str(store_dir), **values})
    graph.until(lambda: "weight_node" in graph.diagnostics)
    assert text in graph.diagnostics["weight_node"][1]
