"""The people of a script while it is being written."""

from __future__ import annotations

from dataclasses import dataclass, field

from aisle.sim.choreography.walking import Key

HANDS = ("right", "left")


@dataclass(frozen=True)
class Item:
    """One unit that somebody has."""

    unit: str
    product: str
    kg: float


@dataclass
class Agent:
    """One person."""

    key: Key
    clock_s: float
    """When both hands and feet are free again."""
    leave_s: float
    speed: float
    bag: str
    fixture: str = ""
    """Where the person stands, or stood last."""
    held: dict[str, list[Item]] = field(default_factory=lambda: {"right": [], "left": []})
    bagged: list[Item] = field(default_factory=list)
    entered_s: float = 0.0
    """When the person came through the gate."""
    left_s: float = 0.0
    """When the person went out through the gate."""
    outside: bool = True
    waited_s: float = 0.0
    """How long the person has waited for a way in or out."""
    not_before_s: float = 0.0
    """The next deed begins no sooner."""

    @property
    def session(self) -> str:
        """Whose receipt it is."""
        return self.key[0]

    @property
    def free_hands(self) -> list[str]:
        """Hands that hold nothing, the right one first."""
        return [hand for hand in HANDS if not self.held[hand]]

    @property
    def items(self) -> list[Item]:
        """All that the person has."""
        return [*self.held["right"], *self.held["left"], *self.bagged]

    def hand_of(self, item: Item) -> str:
        """The hand that holds something; empty when it is bagged."""
        return next((hand for hand in HANDS if item in self.held[hand]), "")

    def drop(self, item: Item) -> None:
        """The person does not have it any more."""
        hand = self.hand_of(item)
        (self.held[hand] if hand else self.bagged).remove(item)
