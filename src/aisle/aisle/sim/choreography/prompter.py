"""Scripted scenarios: each person does his cues, one after the other.

Cues that share a person are done in the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aisle.sim.choreography.acts import Acts
from aisle.sim.choreography.agents import Agent, Item
from aisle.sim.choreography.walking import Key
from aisle.sim.scenario import Cue, ScenarioError
from aisle.store.types import Slot

_AHEAD_S = 6.0
"""How long before its time a cue is prepared: the way there."""
_PATIENCE_S = 60.0


class Prompter:
    """Tells each person what comes next."""

    def __init__(
        self, acts: Acts, cues: Sequence[Cue], agents: Mapping[Key, Agent], active: list[Agent]
    ) -> None:
        """Set up.

        Args:
            acts: What people can do.
            cues: All cues; those of one person in their order.
            agents: Everybody.
            active: Those who have not left; it is read, not changed.
        """
        self.acts, self.agents, self.active = acts, agents, active
        self.open = list(enumerate(cues, start=1))
        self._since: dict[int, float] = {}

    def next(self, agent: Agent) -> bool:
        """Do the person's next cue, or wait for it; False when he may leave.

        Raises:
            ScenarioError: The cue cannot be done.
        """
        mine = [pair for pair in self.open if agent.key in _people(pair[1])]
        if not mine or _key(mine[0][1].who, mine[0][1].person) != agent.key:
            if not mine and not self._group_is_busy(agent):
                return False
            if not agent.outside or not self.acts.stroll(agent):
                agent.clock_s += 0.5
            return True
        number, cue = mine[0]
        if cue.to and not self._is_next(number, _key(cue.to, cue.to_person)):
            agent.clock_s += 0.5
            return True
        agent.clock_s = max(agent.clock_s, cue.at_s - _AHEAD_S)
        if agent.clock_s > min(a.clock_s for a in self.active):
            return True
        agent.not_before_s = cue.at_s
        if self._do(number, agent, cue):
            self.open.remove((number, cue))
            return True
        agent.clock_s += 0.5
        if agent.clock_s - self._since.setdefault(number, agent.clock_s) > _PATIENCE_S:
            raise ScenarioError(f"cue {number}: {cue.do} cannot be done here")
        return True

    def _group_is_busy(self, agent: Agent) -> bool:
        return any(who[0] == agent.session for _, cue in self.open for who in _people(cue))

    def _is_next(self, number: int, who: Key) -> bool:
        return all(n >= number for n, cue in self.open if who in _people(cue))

    def _do(self, number: int, agent: Agent, cue: Cue) -> bool:
        acts = self.acts
        if cue.do in ("put_back", "put_back_elsewhere", "hand_over"):
            item = self._item(number, agent, cue)
            if cue.do == "put_back":
                return acts.put_back(agent, item)
            if cue.do == "hand_over":
                return acts.hand_over(agent, self._other(cue), item)
            return acts.put_back_elsewhere(agent, item, cue.shelf or acts.any_slot(agent).shelf)
        if cue.do == "swap_places":
            return acts.swap_places(agent, self._other(cue))
        return any(self._at(slot, agent, cue) for slot in self._slots(number, cue))

    def _at(self, slot: Slot, agent: Agent, cue: Cue) -> bool:
        acts = self.acts
        if cue.do == "take":
            return acts.take(agent, slot, cue.quantity, cue.keep)
        if cue.do == "two_hands":
            return acts.two_hands(agent, slot, cue.keep)
        if cue.do == "two_at_slot":
            other = self._other(cue)
            both = [(agent, slot), (other, slot)]
            return not other.outside and acts.together(both, everybody=True) == 2
        if cue.do == "touch":
            return acts.touch(agent, slot)
        return acts.look_and_put_back(agent, slot)

    def _other(self, cue: Cue) -> Agent:
        return self.agents[_key(cue.to, cue.to_person)]

    def _slots(self, number: int, cue: Cue) -> list[Slot]:
        found = [
            slot
            for slot in self.acts.slots
            if cue.product in ("", slot.product) and cue.shelf in ("", slot.shelf)
        ]
        if not found:
            raise ScenarioError(f"cue {number}: no product {cue.product!r} on {cue.shelf!r}")
        return found

    def _item(self, number: int, agent: Agent, cue: Cue) -> Item:
        for item in agent.items:
            if cue.product in ("", item.product):
                return item
        raise ScenarioError(f"cue {number}: nobody has {cue.product!r} to {cue.do}")


def _key(who: int, person: int) -> Key:
    return f"shopper-{who}", person


def _people(cue: Cue) -> tuple[Key, ...]:
    """Who has to do with a cue."""
    who = _key(cue.who, cue.person)
    return (who, _key(cue.to, cue.to_person)) if cue.to else (who,)
