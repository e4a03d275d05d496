"""The layouts for viewers are whole and name topics that exist."""

import json
from pathlib import Path

import yaml

from aisle_nodes.interfaces import GATE_EVENTS, STORE_MARKERS, STORE_SURFACE, UPDATES

CONFIG = Path(__file__).parents[2] / "config"


def test_foxglove_layout_names_its_panels_and_our_topics():
    layout = json.loads((CONFIG / "foxglove" / "store.json").read_text())

    def panels(part):
        if isinstance(part, str):
            return {part}
        return panels(part["first"]) | panels(part["second"])

    assert panels(layout["layout"]) == set(layout["configById"])
    topics = {panel.get("topicPath") for panel in layout["configById"].values()}
    assert {f"/{UPDATES}", f"/{GATE_EVENTS}"} <= topics
    shown = layout["configById"]["3D!store"]["topics"]
    assert {name for name, topic in shown.items() if topic["visible"]} == {
        f"/{STORE_MARKERS}",
        f"/{STORE_SURFACE}",
    }


def test_rviz_shows_the_map_and_what_is_latched():
    config = yaml.safe_load((CONFIG / "rviz" / "store.rviz").read_text())
    assert config["Visualization Manager"]["Global Options"]["Fixed Frame"] == "map"
    topics = [d["Topic"] for d in config["Visualization Manager"]["Displays"] if "Topic" in d]
    assert {topic["Value"] for topic in topics} == {f"/{STORE_MARKERS}", f"/{STORE_SURFACE}"}
    # Otherwise who opens RViz later would see nothing until something moves.
    assert {topic["Durability Policy"] for topic in topics} == {"Transient Local"}
