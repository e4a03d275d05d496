"""Writes scripts with bodies: who comes, and who does what next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aisle.sim.choreography.acts import Acts
from aisle.sim.choreography.agents import Agent
from aisle.sim.choreography.prompter import Prompter
from aisle.sim.scenario import Scenario, ScenarioError
from aisle.sim.script import Script, Track, Visit
from aisle.store.types import Slot, Store

Rng = np.random.Generator

_TRIES = 8
_CLOSE_S = 8.0
"""Two act together when the other is free within this."""
_STUCK_S = 120.0
_BEHIND_S = 0.8
"""People of a group come in so long after each other."""
_SPEED = (0.95, 1.3)
_BAGS = ("basket", "tote", "")
_BAG_CHANCES = (0.6, 0.3, 0.1)


def direct(store: Store, scenario: Scenario, rng: Rng) -> Script:
    """Write a script with walking; the same arguments and generator state give the same script.

    Raises:
        ScenarioError: A cue cannot be done in this store.
    """
    return _Director(store, scenario, rng).write()


class _Director:
    def __init__(self, store: Store, scenario: Scenario, rng: Rng) -> None:
        self.store, self.scenario, self.rng = store, scenario, rng
        self.acts = Acts(store, scenario, rng)
        self.stage = self.acts.stage
        self.agents: dict[tuple[str, int], Agent] = {}
        self.active: list[Agent] = []
        self.bags: dict[str, tuple[str, ...]] = {}
        weights = scenario.actions.model_dump()
        self.names = list(weights)
        total = sum(weights.values()) or 1.0
        self.share = np.array([weights[name] / total for name in self.names])
        self.random: dict[str, Callable[[Agent], bool]] = {
            "take": lambda agent: self.acts.take(agent, self.acts.any_slot(agent)),
            "take_several": self._take_several,
            "put_back": self._put_back,
            "put_back_elsewhere": self._put_back_elsewhere,
            "look_and_put_back": lambda agent: self.acts.look_and_put_back(
                agent, self.acts.any_slot(agent)
            ),
            "touch": lambda agent: self.acts.touch(agent, self.acts.any_slot(agent)),
            "two_hands": lambda agent: self.acts.two_hands(agent, self.acts.any_slot(agent)),
            "hand_over": self._hand_over,
            "swap_places": self._swap_places,
            "two_at_slot": self._two_at_slot,
            "crowd": self._crowd,
        }

    def write(self) -> Script:
        if self.scenario.cast:
            for number, guest in enumerate(self.scenario.cast, start=1):
                self._arrive(number, guest.enter_s, np.inf, guest.bags)
            self._run(Prompter(self.acts, self.scenario.cues, self.agents, self.active).next)
        elif self.acts.slots:
            self._wander()
        return self._script()

    def _script(self) -> Script:
        stage = self.stage
        visits = []
        for session, bags in self.bags.items():
            group = [self.agents[session, number] for number in range(len(bags))]
            points = [stage.walks.points(agent.key) for agent in group]
            entered = min(agent.entered_s for agent in group)
            left = max(agent.left_s for agent in group)
            if all(points):
                visits.append(Visit(session, entered, left, len(bags), bags))
        visits.sort(key=lambda visit: visit.enter_s)
        tracks = tuple(Track(*key, stage.walks.points(key)) for key in self.agents)
        end = max([v.exit_s for v in visits], default=self.scenario.lead_s) + 6.0
        return Script(
            tuple(visits),
            tuple(sorted(stage.deeds, key=lambda deed: deed.start_s)),
            end,
            {visit.session: () for visit in visits},
            tuple(sorted(stage.gestures, key=lambda gesture: gesture.start_s)),
            tuple(sorted(stage.doors, key=lambda door: door.start_s)),
            tracks,
            stage.stock_seed,
        )

    def _arrive(self, number: int, enter_s: float, leave_s: float, bags: tuple[str, ...]) -> None:
        session = f"shopper-{number}"
        self.bags[session] = bags
        for index, bag in enumerate(bags):
            speed = round(float(self.rng.uniform(*_SPEED)), 2)
            agent = Agent((session, index), enter_s + _BEHIND_S * index, leave_s, speed, bag)
            self.agents[agent.key] = agent
            self.active.append(agent)

    def _wander(self) -> None:
        """Random visits, at most `together` at once."""
        scenario, rng = self.scenario, self.rng
        lanes = [scenario.lead_s] * scenario.together
        for lane in range(1, len(lanes)):
            lanes[lane] += float(rng.uniform(0, scenario.between_s[1]))
        waiting = list(range(1, scenario.shoppers + 1))

        def next_visit(enter_s: float) -> None:
            if waiting:
                low, high = scenario.group_size
                bags = tuple(self._any_bag() for _ in range(int(rng.integers(low, high + 1))))
                stay = float(rng.uniform(*scenario.stay_s))
                self._arrive(waiting.pop(0), enter_s, enter_s + stay - 6.0, bags)

        for lane_s in sorted(lanes):
            next_visit(lane_s)
        self._run(
            self._next_random,
            lambda left_s: next_visit(left_s + float(rng.uniform(*scenario.between_s))),
        )

    def _any_bag(self) -> str:
        return _BAGS[int(self.rng.choice(len(_BAGS), p=_BAG_CHANCES))]

    def _run(
        self, act: Callable[[Agent], bool], gone: Callable[[float], None] | None = None
    ) -> None:
        """Let whoever is free first act next, until all have left.

        Args:
            act: Does the person's next thing; False when he wants to leave.
            gone: Called with the time when the last of a session has left.
        """
        while self.active:
            agent = self._next()
            outside = agent.outside
            stays = act(agent) or not self._leave(agent)
            if outside and not agent.outside:
                self._hold_up_others(agent)
            if stays:
                continue
            self.active.remove(agent)
            if gone and not any(a.session == agent.session for a in self.active):
                gone(agent.clock_s)

    def _next(self) -> Agent:
        """Whoever is free first; but a group comes in together, with nobody else in between."""
        for agent in self.active if not self.scenario.cast else ():
            session, number = agent.key
            before = self.agents[session, number - 1] if number else None
            if agent.outside and before is not None and not before.outside:
                return agent
        return min(self.active, key=lambda a: a.clock_s)

    def _hold_up_others(self, agent: Agent) -> None:
        """Whoever is not of a group that comes in waits outside."""
        if len(self.bags[agent.session]) > 1 and not self.scenario.cast:
            for other in self.active:
                if other.outside and other.session != agent.session:
                    other.clock_s = max(other.clock_s, agent.entered_s)

    def _leave(self, agent: Agent) -> bool:
        if agent.outside and not self.stage.come_in(agent):
            return self._wait(agent)
        for hand in ("right", "left"):
            if agent.bag and agent.held[hand]:
                self.stage.bag(agent, hand)
        return self.stage.leave(agent) or self._wait(agent)

    def _wait(self, agent: Agent) -> bool:
        agent.clock_s += 0.5
        agent.waited_s += 0.5
        if agent.waited_s > _STUCK_S:
            raise ScenarioError(f"{agent.session}: no way through the store; are aisles blocked?")
        return False

    def _next_random(self, agent: Agent) -> bool:
        scenario, rng = self.scenario, self.rng
        if agent.clock_s >= agent.leave_s:
            return False
        gap = scenario.action_s * (0.35 + 0.65 * float(rng.exponential()))
        if rng.random() < scenario.overlap:
            gap = float(rng.uniform(0.2, 2.0))
        gap = max(gap - 3.0, 0.2)
        agent.not_before_s = agent.clock_s + gap
        agent.clock_s += 0.4 * gap if not agent.outside else 0.0
        name = self.names[int(rng.choice(len(self.names), p=self.share))]
        for _ in range(_TRIES):
            if self.random[name](agent):
                return True
            name = "take" if rng.random() < 0.7 else "put_back_elsewhere"
        agent.clock_s += 1.0
        return True

    def _take_several(self, agent: Agent) -> bool:
        quantity = int(self.rng.integers(2, self.scenario.max_several + 1))
        slot = self.acts.any_slot(agent)
        return any(self.acts.take(agent, slot, count) for count in range(quantity, 1, -1))

    def _some_item(self, agent: Agent) -> int:
        return int(self.rng.integers(len(agent.items)))

    def _put_back(self, agent: Agent) -> bool:
        if not agent.items:
            return False
        return self.acts.put_back(agent, agent.items[self._some_item(agent)])

    def _put_back_elsewhere(self, agent: Agent) -> bool:
        if not agent.items:
            return False
        item = agent.items[self._some_item(agent)]
        return self.acts.put_back_elsewhere(agent, item, self.acts.any_slot(agent).shelf)

    def _partners(self, agent: Agent) -> list[Agent]:
        """Others in the store who are soon free and stay a while, in random order."""
        fit = [
            other
            for other in self.active
            if other is not agent
            and not other.outside
            and other.clock_s < min(agent.clock_s + _CLOSE_S, other.leave_s)
        ]
        return [fit[int(i)] for i in self.rng.permutation(len(fit))]

    def _hand_over(self, agent: Agent) -> bool:
        partners = self._partners(agent)
        if not partners:
            return False
        if not agent.items and not self.acts.take(agent, self.acts.any_slot(agent), keep=True):
            return False
        item = agent.items[self._some_item(agent)]
        return self.acts.hand_over(agent, partners[0], item)

    def _swap_places(self, agent: Agent) -> bool:
        for other in self._partners(agent):
            here = self.acts.near(other.fixture, self.stage.spot(other))
            if not here:
                continue
            if not self.acts.take(agent, here[int(self.rng.integers(len(here)))]):
                continue
            if not self.acts.swap_places(agent, other):
                continue
            agent.fixture = other.fixture
            for one in (agent, other):
                slots = self.acts.near(one.fixture, self.stage.spot(one)) or here
                self.acts.take(one, slots[int(self.rng.integers(len(slots)))])
            return True
        return False

    def _two_at_slot(self, agent: Agent) -> bool:
        partners = self._partners(agent)
        if not partners:
            return False
        slot = self.acts.any_slot(partners[0])
        return self.acts.together([(agent, slot), (partners[0], slot)]) > 0

    def _crowd(self, agent: Agent) -> bool:
        partners = self._partners(agent)[:3]
        if not partners or agent.outside:
            return False
        here = self.acts.near(partners[0].fixture, self.stage.spot(partners[0]))
        if not here:
            return False
        pairs: list[tuple[Agent, Slot]] = [
            (one, here[int(self.rng.integers(len(here)))]) for one in [agent, *partners]
        ]
        return self.acts.together(pairs) > 0
