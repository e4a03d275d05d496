"""`aisle misplaced` beside a running store_model_node."""

import os
import subprocess
import sys

from aisle_msgs.msg import SlotChange as SlotChangeMessage

from aisle.bags.convert import slot_change_to_message
from aisle.records import SlotChange
from aisle.store.load import load_store
from aisle_nodes.interfaces import SLOT_CHANGES, SLOT_QOS, TYPES
from aisle_nodes.store_model_node import StoreModelNode


def run(graph, *words):
    """Run the command while the graph's nodes go on; return its exit code and what it says."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from aisle.cli.main import main; main()", "misplaced", *words],
        env={**os.environ, "ROS_DOMAIN_ID": str(graph.context.get_domain_id()), "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        graph.until(lambda: process.poll() is not None, seconds=60)
        return process.returncode, process.communicate()[0]
    finally:
        process.kill()


def test_a_misplaced_product_is_listed_until_it_is_said_to_be_gone(graph, store_dir):
    store = load_store(store_dir)[0]
    graph.start(StoreModelNode, store=str(store_dir))
    slot = next(iter(store.slots.values()))
    homes = {s.shelf for s in store.slots.values() if s.product == slot.product}
    shelf = next(s for s in store.shelves.values() if s.id not in homes)
    change = SlotChange(5, "a/1", slot.product, shelf.id, shelf.plates[:1], 2, 0.9)
    graph.talk(SlotChangeMessage, SLOT_CHANGES, SLOT_QOS).publish(
        slot_change_to_message(change, TYPES)
    )
    graph.until(lambda: graph.counter("store_model_node", "slot_changes") == 1)
    code, text = run(graph, "list", "--wait", "30")
    assert code == 0
    assert shelf.id in text
    assert slot.product in text
    assert "90%" in text
    code, text = run(graph, "gone", shelf.id, slot.product, "--wait", "30")
    assert (code, text) == (0, "the store is at revision 3\n")
    code, text = run(graph, "gone", shelf.id, slot.product, "--wait", "30")
    assert code == 1
    assert "not known to be misplaced" in text


def test_a_stack_that_is_not_there_is_said(graph):
    code, text = run(graph, "gone", "g1/s1", "x", "--wait", "0.2")
    assert code == 1
    assert "store/set_slot did not answer in 0.2 s: is the stack running?" in text
