"""Training from nothing: simulate, learn, keep checkpoints, export.

One process learns, others simulate. Everything can be stopped and resumed; the log is JSON lines.
"""

from __future__ import annotations

import os
import queue
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import multiprocessing

from aisle.fusion.runtime import OnnxRuntime
from aisle.learning.collect import endless_samples
from aisle.learning.loss import Batch, make_batch
from aisle.learning.receipt_run import BATCHES, OWN, Pair, ReceiptRun, batches, check
from aisle.receipt_model.network import ReceiptTransformer

WAIT_S = 10.0
"""How long to wait for samples before looking whether anybody still makes them."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train; written into the manifest."""

    seed: int = 1
    steps: int = 16_000
    batch: int = 128
    rate: float = 1.5e-3
    warm_up: int = 300
    decay: float = 0.01
    average: float = 0.999
    """Decay of the averaged weights, which are the ones exported."""
    buffer: int = 100_000
    first: int = 30_000
    """Samples to wait for before the first step."""
    reuse: float = 1.2
    """How often a sample is drawn, on average; with 2.5 the network learns samples by heart."""
    behind: int = 50_000
    """Learning waits when it is this many new samples ahead of the simulations."""
    own_from: float = 0.2
    """Share of the steps after which simulations also run on the model's own answers."""
    own_share: float = 0.6
    own_every: int = 1000
    """Steps after which the simulations get the model anew."""
    workers: int = 2
    check_every: int = 500


class Trainer(ReceiptRun[TrainConfig]):
    """The receipt transformer in training, on scales alone."""

    def __init__(self, directory: Path, config: TrainConfig) -> None:
        super().__init__(directory, ReceiptTransformer, config)
        self.last_check: dict[str, float] = {}


def _simulate(seed: int, directory: Path, config: TrainConfig, out: Any) -> None:
    """A worker: sends chunks of samples for ever."""
    os.nice(5)
    for number in range(1_000_000):
        rng = np.random.default_rng((seed, number, 9))
        own = directory / OWN
        model = None
        if own.is_file() and rng.random() < config.own_share:
            model = OnnxRuntime(own, {})
        chunk: list[Pair] = []
        for sample in endless_samples(seed * 1_000_003 + number, model):
            chunk.append((sample.arrays, sample.label))
            if len(chunk) >= 1500:
                break
        out.put(chunk)


def train(directory: Path, config: TrainConfig) -> Trainer:
    """Train until `config.steps`; call again to resume."""
    torch.set_num_threads(1)
    trainer = Trainer(directory, config)
    trainer.runs += 1
    checks = _check_batches(config)
    context = multiprocessing.get_context("spawn")
    samples: Any = context.Queue(maxsize=8)
    workers = [
        context.Process(
            target=_simulate,
            args=(config.seed * 100 + 10 * trainer.runs + i, directory, config, samples),
            daemon=True,
        )
        for i in range(config.workers)
    ]
    for worker in workers:
        worker.start()
    try:
        _loop(trainer, samples, checks, workers)
    finally:
        for worker in workers:
            worker.terminate()
    trainer.save()
    return trainer


def _check_batches(config: TrainConfig) -> list[Batch]:
    """Windows from seeds that no worker uses."""
    pairs: list[Pair] = []
    for sample in endless_samples(987_654_321):
        pairs.append((sample.arrays, sample.label))
        if len(pairs) >= 3000:
            break
    size = config.batch
    return [make_batch(pairs[i : i + size]) for i in range(0, len(pairs), size)]


def _loop(trainer: Trainer, samples: Any, checks: list[Batch], workers: list[Any]) -> None:
    config = trainer.config
    rng = np.random.default_rng((config.seed, trainer.runs))
    buffer: list[Pair] = []
    got, first_step = 0, trainer.step
    mean: dict[str, float] = {}
    begun, saved = time.monotonic() - trainer.seconds, time.monotonic()
    while trainer.step < config.steps:
        wanted = config.first + config.batch * (trainer.step - first_step) / config.reuse
        wait = len(buffer) < config.first or got < wanted - config.behind
        if got < wanted:
            # Enough new samples, not all that can be had: simulating takes a core from learning.
            got += _receive(samples, buffer, config.buffer, wait=wait, at=got)
        if wait:
            if not any(worker.is_alive() for worker in workers):
                raise RuntimeError("all simulating processes have ended: see their messages above")
            continue
        chosen = [buffer[i] for i in rng.integers(0, len(buffer), BATCHES * config.batch)]
        for batch in batches(chosen, rng, sight=False):
            parts = trainer.learn(batch)
            for name, value in parts.items():
                mean[name] = 0.98 * mean.get(name, value) + 0.02 * value
        trainer.seconds = time.monotonic() - begun
        own = trainer.step >= config.own_from * config.steps
        if own and trainer.step % config.own_every < BATCHES:
            trainer.export_own()
        if trainer.step % config.check_every < BATCHES:
            trainer.last_check = check(trainer.average, checks)
            rounded = {k: round(v, 4) for k, v in mean.items()}
            trainer.log(
                step=trainer.step, seconds=round(trainer.seconds), samples=got,
                train=rounded, check=trainer.last_check,
            )  # fmt: skip
        if time.monotonic() - saved > 60:
            trainer.save()
            saved = time.monotonic()


def _receive(samples: Any, buffer: list[Pair], limit: int, wait: bool, at: int) -> int:
    """Move what the workers have made into the buffer, the oldest out; how many came."""
    got = 0
    while True:
        try:
            chunk: list[Pair] = samples.get(timeout=WAIT_S) if wait else samples.get_nowait()
        except queue.Empty:
            return got
        for pair in chunk:
            if len(buffer) < limit:
                buffer.append(pair)
            else:
                buffer[(at + got) % limit] = pair
            got += 1
        if wait:
            return got
