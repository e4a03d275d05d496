"""The truth of a bag: beside it, or on the topic that a simulated store publishes.

`sim/truth` carries one JSON text for each session when it has left, as in `truth.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

from aisle.bags.messages import MessageError
from aisle.bags.store_io import BagReader
from aisle.bags.truth import TrueSession, Truth, parse_session, read_truth

TOPIC = "sim/truth"
TYPE = "std_msgs/msg/String"


def parse_text(text: str) -> TrueSession:
    """Return the session of a message text.

    Raises:
        MessageError: It is no such text.
    """
    try:
        return parse_session(json.loads(text))
    except KeyError as error:
        raise MessageError(f"truth: {error} is missing") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MessageError(f"truth: {error}") from error


def find_truth(bag: Path) -> Truth | None:
    """Return the truth beside a bag, or else on its `sim/truth`, or None.

    Raises:
        BagError, TruthError: The bag or the file cannot be read.
        MessageError: A message on the topic is no truth.
    """
    beside = read_truth(bag)
    if beside is not None:
        return beside
    with BagReader(bag) as reader:
        topics = {t for t, name in reader.types.items() if name == TYPE and t.endswith(TOPIC)}
        if not topics:
            return None
        sessions = [
            parse_text(reader.decode(message).data)
            for message in reader.messages({TYPE})
            if message.topic in topics
        ]
    return {session.session: session for session in sessions}
