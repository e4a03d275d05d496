"""Nodes as processes: exit codes and messages."""

import os
import signal
import subprocess
import sys
import time

import pytest


def start(module, *parameters, environment=None):
    arguments = [word for parameter in parameters for word in ("-p", parameter)]
    return subprocess.Popen(
        [sys.executable, "-c", f"from aisle_nodes.{module} import main; main()",
         "--ros-args", *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (["speed:=2"], "parameter 'speed' must be a decimal number, is 2 (write 1.0, not 1)"),
        ([], "parameter 'start_ns' must be the stamp of the beginning, is 0"),
    ],
)
def test_bad_parameter_ends_a_node_with_rule_and_value(parameters, text):
    output, _ = (process := start("sim_node", *parameters)).communicate(timeout=30)
    assert process.returncode == 1, output
    assert text in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("again_s", [None, 0.02, 0.1])
def test_signal_ends_a_node_cleanly(number, again_s, graph, store_dir):
    environment = {**os.environ, "ROS_DOMAIN_ID": str(graph.context.get_domain_id())}
    process = start("store_model_node", f"store:={store_dir}", environment=environment)
    try:
        graph.until(lambda: "store_model_node" in graph.diagnostics, seconds=30)
        process.send_signal(number)
        if again_s is not None:  # As whoever ends a whole process group does.
            time.sleep(again_s)
            process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert "Traceback" not in output
