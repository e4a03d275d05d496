"""Predictions that are kept as they came: for sessions that wait, and late ones."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, delete, func, insert, select

from aisle.receipts.codec import prediction_from_json, prediction_json
from aisle.receipts.tables import held
from aisle.records import Prediction


def hold(connection: Connection, prediction: Prediction) -> bool:
    """Keep a prediction as it came; False when it is kept already."""
    text = prediction_json(prediction)
    key = {"session": prediction.session, "digest": hashlib.sha256(text.encode()).hexdigest()}
    mine = held.c.session == prediction.session
    same = select(held.c.digest).where(mine, held.c.digest == key["digest"])
    if connection.execute(same).first():
        return False
    position = connection.scalar(select(func.count()).select_from(held).where(mine)) or 0
    connection.execute(insert(held), key | {"position": position, "prediction": text})
    return True


def release(connection: Connection, session_id: str) -> list[Prediction]:
    """Take the kept predictions of a session out, in the order in which they came."""
    mine = held.c.session == session_id
    query = select(held.c.prediction).where(mine).order_by(held.c.position)
    found = [prediction_from_json(text) for text in connection.scalars(query)]
    if found:
        connection.execute(delete(held).where(mine))
    return found
