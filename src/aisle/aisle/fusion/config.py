"""Limits and thresholds of the fusion."""

from __future__ import annotations

from dataclasses import dataclass, field

from aisle.fusion.decode import DecodeConfig


@dataclass(frozen=True)
class SyncConfig:
    """Limits of the synchronizer, seconds of message stamps."""

    hold_s: float = 0.1
    """How far all live scales must be past a tick before it closes."""
    picture_wait_s: float = 0.15
    """How much further they must be when a live camera's pictures are not past the tick yet: then
    it goes on without them. Cameras that have nobody else wait for each other as long."""
    late_limit_s: float = 1.5
    """A stream that says nothing while others bring this much is dead until it speaks again. A
    clock that differs from the others' by more is wrong, and one that was set back by less is
    waited for. A doubt about a clock lasts as long."""
    gate_lead_s: float = 10.0
    """How far a gate's stamp must be ahead of all scales to move time on in their place: drivers
    that were held up for a moment are not dead because the gate was not."""
    gap_s: float = 0.75
    """Missing time within a stream that counts as a gap."""
    jump_s: float = 5.0
    """A lone stream that jumps ahead further than this is believed when its next batch agrees; a
    batch that spans more is refused."""
    gate_reach_s: float = 60.0
    """A passage whose stamp is further from the newest one does not move time."""
    max_ticks: int = 4 * 600
    """Ticks that one record may close; time beyond is skipped, and that is a gap."""


@dataclass(frozen=True)
class FusionConfig:
    """Limits and thresholds; times in seconds."""

    sync: SyncConfig = field(default_factory=SyncConfig)
    decode: DecodeConfig = field(default_factory=DecodeConfig)
    enter_delay_s: float = 0.5
    """An entry counts from this long after its stamp, so that its arrival order does not matter.
    One that should have counted before the first reading is a gap."""
    enter_late_s: float = 2.0
    """An entry told later than this was not watched from its beginning: a gap."""
    exit_grace_s: float = 3.0
    """How long after the exit changes may still be found and doubts settle."""
    silence_s: float = 3.0
    """When all scales leave out this much time, who has left by then is closed as at the end."""
    store_delay_s: float = 1.0
    """A new store model counts from this long after its stamp."""
    passes: int = 3
    """Answers that one shelf may give in one tick."""
    changed_share: float = 0.2
    """A plate has changed when its range exceeds this share of the lightest product that can have
    come or gone there."""
    changed_noise: float = 10.0
    """A noisy plate's range must exceed this many times its noise too (see `Shelves.changed`)."""
    max_sessions: int = 1000
    """Sessions open at once; also passages that wait for their time, and ended sessions known."""
    max_open_s: float = 4 * 3600.0
    """A session open for longer is closed with a gap: its exit was missed."""
    gate_ahead_s: float = 60.0
    """A passage stamped further ahead of the scales than this is refused."""
    heaviest_kg: float = 1000.0
    """A reading beyond this is no weight, and counts as missed."""
    plate_limit_s: float = 2.0
    """A plate is told as bad that gives nothing to rely on for longer."""
    plate_trust_s: float = 600.0
    """A plate that was bad within this time before an entry is no news to that session: a plate
    that is broken, or a loose contact, does not send every receipt into review."""
