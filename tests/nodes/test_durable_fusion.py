"""A fusion that is killed at any moment loses and doubles nothing that it has said."""

import random
import re
from dataclasses import replace

import pytest
from till import Till

from aisle.fusion.fusion import Fusion
from aisle.fusion.maker import FusionMaker
from aisle.fusion.runtime import load_runtime
from aisle.records import ChangeState, GateEvent, GateKind, ReceiptState
from aisle.sim.scenario import Scenario
from aisle.sim.simulation import simulate
from aisle.store.load import load_store
from aisle_nodes.durable_fusion import AWAY, DurableFusion

SCENARIO = Scenario(
    shoppers=4, together=2, stay_s=(12, 18), action_s=4.0, between_s=(1.0, 2.0), lead_s=3.0
)


@pytest.fixture(scope="module")
def store(store_dir):
    return load_store(store_dir)[0]


@pytest.fixture(scope="module")
def runtime(toy_model):
    return load_runtime(toy_model)


@pytest.fixture(scope="module")
def arrivals(store):
    return list(simulate(store, SCENARIO, 3).arrivals())


def records(arrivals):
    return [arrival.record for arrival in arrivals]


def test_undisturbed_run_is_that_of_the_fusion_itself(store, runtime, arrivals, tmp_path):
    durable = DurableFusion(Fusion(store, runtime), tmp_path / "a.json")
    plain = DurableFusion(Fusion(store, runtime), tmp_path / "b.json").fusion
    for record in records(arrivals):
        assert durable.push(record) == plain.push(record)


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_a_random_moment(store, runtime, arrivals, tmp_path, seed):
    """The process dies between two records, or after the state was written and before it spoke."""
    rng = random.Random(seed)
    path = tmp_path / "fusion.json"
    killed = sorted(rng.sample(range(100, len(arrivals) - 100), 2))
    away_ns = rng.choice([0, 500_000_000, 4_000_000_000])
    fusion, said, back_ns, disturbed = DurableFusion(Fusion(store, runtime), path), [], 0, set()
    passed, is_open = [], set()
    for number, arrival in enumerate(arrivals):
        record = arrival.record
        if isinstance(record, GateEvent):
            passed.append(record)
            entering = record.kind is GateKind.ENTER
            is_open = is_open | {record.session} if entering else is_open - {record.session}
        if arrival.arrival_ns < back_ns:
            disturbed |= is_open
            continue
        if fusion is None:
            fusion = DurableFusion(Fusion(store, runtime), path)
            said += fusion.flush()
            for event in passed:
                said += fusion.push(event)
        found = fusion.push(record)
        if number in killed:
            disturbed |= is_open | set(fusion.fusion.memory.sessions)
            fusion, back_ns = None, arrival.arrival_ns + away_ns
            continue
        said += found
    check_changes(said)
    finals = {prediction.session for prediction in said if prediction.final}
    assert finals == {event.session for event in passed}
    told = {(p.session, gap) for p in said for gap in p.gaps}
    assert disturbed <= {name for name, gap in told if AWAY in gap or "were not seen" in gap}


def check_changes(said):
    """A change keeps what it says under its id, and moves on from tentative only."""
    known = {}
    for prediction in said:
        for change in prediction.changes:
            before = known.setdefault(change.id, change)
            assert replace(before, state=ChangeState.TENTATIVE) == replace(
                change, state=ChangeState.TENTATIVE
            )
            assert before.state is ChangeState.TENTATIVE or before.state is change.state
            known[change.id] = change
    for session in {change_id.split("/")[0] for change_id in known}:
        ids = [change_id for change_id in known if change_id.startswith(f"{session}/")]
        numbers = sorted(int(re.split("[/-]", change_id)[-1]) for change_id in ids)
        assert numbers == list(range(1, len(numbers) + 1)), "no id was lost"


def test_nothing_is_said_while_the_disk_is_full(store, runtime, arrivals, tmp_path):
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    fusion = DurableFusion(Fusion(store, runtime), folder / "fusion.json")
    said = [p for record in records(arrivals) for p in fusion.push(record)]
    assert said == []
    assert "cannot be written" in fusion.error
    folder.unlink()
    said = fusion.flush()
    assert fusion.error == ""
    assert {p.session for p in said if p.final} == {f"shopper-{n}" for n in range(1, 5)}
    check_changes(said)


def test_session_that_left_with_the_last_sample_can_be_finished(store, runtime, arrivals, tmp_path):
    fusion = DurableFusion(Fusion(store, runtime), tmp_path / "fusion.json")
    last = max(n for n, r in enumerate(records(arrivals)) if isinstance(r, GateEvent))
    for record in records(arrivals)[: last + 1]:
        fusion.push(record)
    assert fusion.fusion.leaving
    said = fusion.finish()
    assert records(arrivals)[last].session in {p.session for p in said if p.final}
    assert not fusion.fusion.leaving


def test_closed_session_is_not_opened_again(store, runtime, arrivals, tmp_path):
    fusion = DurableFusion(Fusion(store, runtime), tmp_path / "fusion.json")
    events = [record for record in records(arrivals) if isinstance(record, GateEvent)]
    for record in records(arrivals):
        fusion.push(record)
    fusion = DurableFusion(Fusion(store, runtime), tmp_path / "fusion.json")
    fusion.flush()
    assert [p for event in events for p in fusion.push(event)] == []
    assert fusion.fusion.memory.sessions == {}
    assert fusion.fusion.counters["repeated_gate_events"] == len(events)


def test_closed_sessions_are_told_again_whole(store, runtime, arrivals, tmp_path):
    """The ledger may have been away when they were told, and died with it who told them."""
    path = tmp_path / "fusion.json"
    fusion = DurableFusion(Fusion(store, runtime), path)
    said = [p for record in records(arrivals) for p in fusion.push(record)]
    again = {p.session: p for p in DurableFusion(Fusion(store, runtime), path).flush()}
    for session in {p.session for p in said}:
        last = {c.id: c for p in said if p.session == session for c in p.changes}
        assert again[session].final
        assert {c.id: c for c in again[session].changes} == last


@pytest.mark.parametrize("content", [b"", b"[]", b'{"gates": [[1]]}', b"[" * 10_000])
def test_damaged_state_is_put_aside(store, runtime, tmp_path, content):
    path = tmp_path / "fusion.json"
    path.write_bytes(content)
    fusion = DurableFusion(Fusion(store, runtime), path)
    assert fusion.counters["damaged_states"] == 1
    assert path.with_suffix(".damaged").read_bytes() == content
    assert "damaged" in fusion.error


def test_refused_gate_events_are_not_taken_as_done(store, runtime, arrivals, tmp_path):
    path = tmp_path / "fusion.json"
    fusion = DurableFusion(Fusion(store, runtime), path)
    event = next(record for record in records(arrivals) if isinstance(record, GateEvent))
    for record in records(arrivals)[:50]:
        fusion.push(record)
    early = replace(event, session="early", stamp_ns=event.stamp_ns + 10**12)
    fusion.push(early)
    again = DurableFusion(Fusion(store, runtime), path)
    for one in (fusion, again):
        one.push(replace(early, stamp_ns=event.stamp_ns))
        assert "early" in [waiting.session for waiting in one.fusion.memory.gates]
        assert "repeated_gate_events" not in one.fusion.counters


def test_the_state_does_not_grow_with_what_is_over(store, runtime, arrivals, tmp_path):
    path = tmp_path / "fusion.json"
    fusion = DurableFusion(Fusion(store, runtime), path)
    for record in records(arrivals):
        fusion.push(record)
    before = path.stat().st_size
    last_ns = arrivals[-1].arrival_ns
    for number in range(1100):
        fusion.push(GateEvent(last_ns - 10**9, "exit", GateKind.EXIT, f"nobody-{number}"))
    assert fusion.fusion.counters["gate_events_refused"] == 100
    assert path.stat().st_size - before < 200_000


@pytest.mark.parametrize("told_again", [True, False])
@pytest.mark.parametrize("loss", ["damaged", "deleted"])
def test_after_a_lost_state_no_change_is_taken_for_an_old_one_and_all_receipts_close(
    store, runtime, arrivals, tmp_path, loss, told_again
):
    till = Till(tmp_path, store, FusionMaker(runtime).make)
    till.store(0, store)
    everything = records(arrivals)
    lost, at = {}, 0
    while not any(session.changes for session in lost.values()):
        till.push(everything[at])
        lost, at = dict(till.fusion.memory.sessions), at + 1
    known = {change_id for session in lost.values() for change_id in session.changes}
    lines = {name: till.ledger.receipt(name).lines for name in lost}
    if loss == "damaged":
        (tmp_path / "fusion.json").write_bytes(b"{")
    else:
        (tmp_path / "fusion.json").unlink()
    till.restart()
    till.store(0, store)
    # A gate node tells its last passages again, if it remembers them.
    for event in [r for r in everything[:at] if isinstance(r, GateEvent)] if told_again else ():
        till.push(event)
    for record in everything[at:]:
        till.push(record)
    till.finish()
    new = {change.id for p in till.said for change in p.changes}
    assert new
    assert not known & new
    assert till.ledger.counters["conflicting_changes"] == 0
    for name in lost:
        receipt = till.ledger.receipt(name)
        assert receipt.state is ReceiptState.REVIEW
        assert told_again or receipt.lines == lines[name]
    for event in everything:
        if isinstance(event, GateEvent):
            assert till.ledger.receipt(event.session).state is not ReceiptState.OPEN
