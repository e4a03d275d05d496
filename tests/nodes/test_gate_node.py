"""gate_node with a pipe: lines become events, bad lines are counted, a lost count is found."""

import os

from aisle_msgs.msg import GateEvent

from aisle_nodes.gate_node import GateNode, SentCount
from aisle_nodes.interfaces import GATE_EVENTS, GATE_QOS


def test_lines_from_a_pipe_become_events(graph, tmp_path):
    pipe = tmp_path / "gate"
    os.mkfifo(pipe)
    graph.start(GateNode, source="lines", path=str(pipe), gate="north")
    graph.until(lambda: graph.counter("gate_node", "opened") == 1)
    writer = os.open(pipe, os.O_WRONLY)
    os.write(writer, b'{"kind": "enter", "session": "a", "group_size": 2}\nhello\n')
    os.write(writer, b'{"kind": "exit", "session": "a"}\n')
    os.close(writer)
    graph.until(lambda: graph.counter("gate_node", "exit") == 1)
    got = graph.listen(GateEvent, GATE_EVENTS, GATE_QOS)
    graph.until(lambda: len(got) == 2)
    assert [(event.kind, event.session, event.gate) for event in got] == [
        (GateEvent.KIND_ENTER, "a", "north"),
        (GateEvent.KIND_EXIT, "a", "north"),
    ]
    assert got[0].group_size == 2
    assert graph.counter("gate_node", "damaged_lines") == 1


def test_absent_gate_is_a_problem_until_it_comes(graph, tmp_path):
    pipe = tmp_path / "gate"
    graph.start(GateNode, source="lines", path=str(pipe), reconnect_s=0.1)
    graph.until(lambda: "cannot be opened" in graph.diagnostics.get("gate_node", (0, ""))[1])
    os.mkfifo(pipe)
    graph.until(lambda: graph.diagnostics["gate_node"][1] == "ok")


def test_count_of_sent_passages_survives(tmp_path):
    path = tmp_path / "gate.json"
    sent = SentCount(path, start_ns=5, count=0)
    sent.add()
    sent.add()
    assert SentCount(path, start_ns=5, count=0).count == 2
    assert SentCount(path, start_ns=6, count=0).count == 0
    path.write_text("[")
    assert SentCount(path, start_ns=5, count=3).count == 3
