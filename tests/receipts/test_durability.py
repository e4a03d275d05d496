"""Kills, full disks and broken connections: nothing is lost and nothing is applied twice."""

import multiprocessing
import os
import random
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import OpenLedger, change, enter, make_store, predict
from sqlalchemy import event, select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from visits import Message, feed, interleave, repeat_some, visit

from aisle.receipts import Ledger, LedgerConfig, receipt_json
from aisle.receipts.tables import metadata
from aisle.records import ReceiptState

# Not "fork": other tests leave threads (DDS, inference) in this process, which a fork breaks.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["aisle.receipts", "sqlalchemy.dialects.sqlite"])
STORE = make_store(cola=150, bread=320)


def messages_of(seed: int, count: int = 5) -> list[Message]:
    rng = random.Random(seed)
    streams = [stream for session in "abc" for stream in visit(rng, session, count)]
    return repeat_some(rng, interleave(rng, streams), 0.2)


def work(path: Path, messages: list[Message], told: Pipe, kill_at: int | None = None) -> None:
    """Feed all messages, telling each receipt that came out; die at a statement when told to."""
    ledger = Ledger(str(path))
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1
        if statements == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(ledger.engine, "before_cursor_execute", count)
    event.listen(ledger.engine, "commit", count)
    ledger.set_catalogue(STORE)
    for message in messages:
        for receipt in feed(ledger, message):
            told.send_bytes(receipt_json(receipt))
    told.send_bytes(str(statements).encode())


def drain(told: Pipe) -> list[bytes]:
    received = []
    try:
        while True:
            received.append(told.recv_bytes())
    except (EOFError, ConnectionResetError):
        return received


def start(
    path: Path, messages: list[Message], kill_at: int | None = None
) -> tuple[ForkServerProcess, Pipe]:
    ours, theirs = SERVER.Pipe(duplex=False)
    process = SERVER.Process(target=work, args=(path, messages, theirs, kill_at))
    process.start()
    theirs.close()
    return process, ours


def contents(path: Path) -> dict[str, list[str]]:
    """Return all rows of all tables."""
    ledger = Ledger(str(path))
    with ledger.engine.connect() as connection:
        found = {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in metadata.sorted_tables
        }
    ledger.close()
    return found


def test_killed_at_any_statement_and_fed_again_the_ledger_is_as_if_never_killed(
    tmp_path: Path,
) -> None:
    messages, rng = messages_of(7), random.Random(7)
    process, told = start(tmp_path / "whole.db", messages)
    *expected, statements = drain(told)
    process.join()
    for kill in sorted(rng.sample(range(1, int(statements)), 12)):
        path = tmp_path / f"{kill}.db"
        process, told = start(path, messages, kill)
        before = drain(told)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert before == expected[: len(before)]
        process, told = start(path, messages)
        after = drain(told)[:-1]
        process.join()
        # One transaction may have been committed without its receipts being told.
        assert after == expected[len(expected) - len(after) :]
        assert len(before) + len(after) <= len(expected)
        assert contents(path) == contents(tmp_path / "whole.db")


def test_killed_from_outside_again_and_again_the_ledger_is_as_if_never_killed(
    tmp_path: Path,
) -> None:
    messages, rng = messages_of(8), random.Random(8)
    process, told = start(tmp_path / "whole.db", messages)
    drain(told)
    process.join()
    path = tmp_path / "killed.db"
    for _ in range(8):
        process, told = start(path, messages)
        for _ in range(rng.randint(0, 6)):
            told.recv_bytes()
        process.kill()
        process.join()
    process, told = start(path, messages)
    drain(told)
    process.join()
    assert contents(path) == contents(tmp_path / "whole.db")


def limit_pages(ledger: Ledger, pages: int) -> None:
    """Let the database file grow to this many pages and no further, as a full disk would."""
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_on_a_full_disk_messages_wait_and_none_is_lost_or_doubled(tmp_path: Path) -> None:
    messages = messages_of(9, 25)
    whole = Ledger(str(tmp_path / "whole.db"))
    whole.set_catalogue(STORE)
    expected = [receipt for message in messages for receipt in feed(whole, message)]

    ledger = Ledger(str(tmp_path / "full.db"))
    ledger.set_catalogue(STORE)
    limit_pages(ledger, 1)
    made = [receipt for message in messages for receipt in feed(ledger, message)]
    status = ledger.status()
    assert made == expected[: len(made)]
    assert len(made) < len(expected)
    assert not status.available
    assert status.message.startswith("LedgerUnavailable: database or disk is full")
    assert status.queued > 10
    assert status.counters["write_failures"] >= status.queued

    limit_pages(ledger, 100_000)
    made += ledger.tick(1)
    assert made == expected
    assert ledger.status().message == "ok"
    counted = {name: number for name, number in ledger.counters.items() if name != "write_failures"}
    assert counted == {name: whole.counters[name] for name in counted}
    whole.close()
    ledger.close()
    assert contents(tmp_path / "full.db") == contents(tmp_path / "whole.db")


def test_a_write_that_the_system_refuses_is_tried_again(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "ledger.db"))
    ledger.set_catalogue(STORE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        assert ledger.gate(enter()) == []
        assert ledger.apply(predict(3, change(2))) == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not ledger.status().available
    made = ledger.apply(predict(4, change(2), change(3)))
    assert [receipt.cause for receipt in made] == ["enter", "a/2", "a/3"]
    assert ledger.status().available
    ledger.close()


def fail(ledger: Ledger, error: Exception, times: int) -> None:
    """Let the next statements fail."""
    left = [error] * times

    def raise_one(*_: object) -> None:
        if left:
            raise left.pop()

    event.listen(ledger.engine, "before_cursor_execute", raise_one)


def test_a_session_of_which_messages_had_to_be_dropped_is_reviewed(
    open_ledger: OpenLedger,
) -> None:
    ledger = open_ledger(LedgerConfig(queue_limit=2))
    ledger.gate(enter())
    # The last two messages are each tried twice: before they are dropped and after.
    fail(ledger, OperationalError("", {}, OSError("gone")), 6)
    for number in range(2, 6):
        assert ledger.apply(predict(number + 1, change(number))) == []
    assert ledger.counters["dropped_messages"] == 2
    ledger.apply(predict(10, final=True))
    receipt = ledger.receipt("a")
    assert receipt is not None
    assert receipt.state == ReceiptState.REVIEW
    assert "messages are missing" in receipt.review_reasons[0]
    assert receipt.lines[0].quantity == 2


def test_a_commit_that_failed_after_it_was_done_is_not_done_again(
    open_ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_ledger()
    ledger.gate(enter())
    dialect = ledger.engine.dialect
    commit: Callable[[Any], None] = dialect.do_commit

    def commit_and_lose_the_answer(connection: Any) -> None:
        commit(connection)
        monkeypatch.undo()
        raise OperationalError("", {}, OSError("connection lost"))

    monkeypatch.setattr(dialect, "do_commit", commit_and_lose_the_answer)
    assert ledger.apply(predict(3, change(2))) == []
    (receipt,) = ledger.tick(1)
    assert (receipt.revision, receipt.lines[0].quantity) == (2, 1)
    assert ledger.tick(2) == []
    assert ledger.receipt("a") == receipt


def test_a_message_that_the_database_refuses_does_not_stop_the_others(
    open_ledger: OpenLedger,
) -> None:
    ledger = open_ledger()
    ledger.gate(enter())
    ledger.apply(predict(3, change(2)))
    fail(ledger, DataError("", {}, ValueError("bad value")), 1)
    ledger.apply(predict(4, change(3)))
    (receipt,) = ledger.apply(predict(10, final=True))
    assert ledger.counters["rejected_messages"] == 1
    assert receipt.state == ReceiptState.REVIEW
    assert "refused" in receipt.review_reasons[0]


def test_a_row_that_someone_else_wrote_is_read_and_the_message_tried_again(
    open_ledger: OpenLedger,
) -> None:
    ledger = open_ledger()
    ledger.gate(enter())
    other = open_ledger(catalogue=False)
    other.apply(predict(3, change(2)))
    (receipt,) = ledger.apply(predict(4, change(2), change(3, "bread")))[-1:]
    assert [line.product for line in receipt.lines] == ["cola", "bread"]
    assert receipt.revision == 3
    fail(ledger, IntegrityError("", {}, ValueError("twice")), 1)
    assert ledger.apply(predict(5, change(4)))[-1].revision == 4


def test_what_waits_is_written_when_the_ledger_is_closed_or_missed_aloud(
    open_ledger: OpenLedger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = open_ledger()
    fail(ledger, OperationalError("", {}, OSError("gone")), 1)
    assert ledger.gate(enter()) == []
    ledger.close()
    ledger = open_ledger()
    assert [receipt.cause for receipt in ledger.republish()] == ["enter"]
    fail(ledger, OperationalError("", {}, OSError("gone")), 2)
    ledger.apply(predict(3, change(2)))
    ledger.close()
    assert "1 messages were never written" in caplog.text
