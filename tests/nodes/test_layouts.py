"""The layouts for viewers are whole and name topics that exist."""

import json
from pathlib import Path

import yaml

from aisle_nodes.interfaces import GATE_EVENTS, UPDATES

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


def test_rviz_shows_the_map():
    config = yaml.safe_load((CONFIG / "rviz" / "store.rviz").read_text())
    assert config["Visualization Manager"]["Global Options"]["Fixed Frame"] == "map"
