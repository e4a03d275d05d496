"""Clips of walks in which people are coloured spots."""

import numpy as np

from aisle.learning.walks import Walk
from aisle.vision.floor_map import CELL_M, PLANES_M

HEIGHT, WIDTH = 32, 48
COLOURS = np.array([[250, 20, 20], [20, 250, 20], [20, 20, 250]])


def spots(ticks=40, session=(0, 1)):
    """People are squares of three cells that walk around in circles of their own."""
    people = len(session)
    pictures = np.full((ticks, len(PLANES_M), HEIGHT, WIDTH, 3), 90, np.uint8)
    head = np.zeros((ticks, people, 3), np.float32)
    for tick in range(ticks):
        for person in range(people):
            angle = 0.1 * tick + 2.0 * person
            x, y = 24 + 12 * np.cos(angle), 16 + 9 * np.sin(angle)
            column, row = int(x), int(y)
            pictures[tick, :, row - 1 : row + 2, column - 1 : column + 2] = COLOURS[person]
            head[tick, person] = (column + 0.5) * CELL_M, (row + 0.5) * CELL_M, 1.6
    hands = np.repeat(head[:, :, None], 2, 2) + np.array([[0.2, 0, -0.6], [-0.2, 0, -0.6]])
    sessions = max(session) + 1
    gate = np.stack([head[0, session.index(s), :2] for s in range(sessions)])
    return Walk(
        pictures, np.ones(pictures.shape[:-1], np.uint8), np.array(session, np.int32), head,
        hands.astype(np.float32), np.zeros(sessions, np.int32),
        np.full(sessions, ticks, np.int32), gate,
    )  # fmt: skip
