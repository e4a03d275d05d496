import os
import shutil
import sqlite3
import subprocess
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from ledger_samples import change, enter, leave, make_store, predict
from sqlalchemy import event, inspect
from visits import Message, feed

from aisle.receipts import Ledger, LedgerError, LedgerReader, receipt_json
from aisle.receipts.database import ledger_url, migrate, open_engine
from aisle.receipts.tables import metadata


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = open_engine(ledger_url(str(tmp_path / "ledger.db")))
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        config = Config()
        config.set_main_option("script_location", "aisle.receipts:migrations")
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_a_migration_that_dies_half_way_leaves_nothing(tmp_path: Path) -> None:
    url = ledger_url(str(tmp_path / "ledger.db"))
    engine = open_engine(url)

    @event.listens_for(engine, "before_cursor_execute")
    def die(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE prices" in statement:
            raise sqlite3.OperationalError("killed")

    with pytest.raises((LedgerError, sqlite3.OperationalError)):
        migrate(engine)
    engine.dispose()
    again = open_engine(url)
    assert inspect(again).get_table_names() == []
    migrate(again)
    assert "prices" in inspect(again).get_table_names()


def test_the_database_is_in_wal_mode_with_foreign_keys_and_full_synchronisation(
    tmp_path: Path,
) -> None:
    ledger = Ledger(str(tmp_path / "deep" / "er" / "ledger.db"))
    with ledger.engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        ]
    ledger.close()
    assert found == ["wal", 1, 2]


def test_a_ledger_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match="newer version"):
        Ledger(str(path))
    with pytest.raises(LedgerError, match="schema 9999"):
        LedgerReader.open(str(path))


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"session,total\n" * 100)
    for opener in (Ledger, LedgerReader.open):
        with pytest.raises(LedgerError, match=r"not a database$"):
            opener(str(path))
    assert path.read_bytes() == b"session,total\n" * 100


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot open the ledger"):
        Ledger(str(tmp_path / "file" / "ledger.db"))


def test_a_reader_makes_no_ledger_and_writes_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with pytest.raises(LedgerError, match="no file"):
        LedgerReader.open(str(path))
    assert not path.exists()
    ledger = Ledger(str(path))
    ledger.set_catalogue(make_store(cola=150))
    reader = LedgerReader.open(str(path))
    ledger.gate(enter())
    assert reader.receipt("a") == ledger.receipt("a")
    with pytest.raises(Exception, match="readonly"), reader.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sessions")
    reader.close()
    ledger.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://till:secret@127.0.0.1:1/receipts",
        "postgresql://till@127.0.0.1:1/receipts?password=secret",
        "postgresql://till:secret@host:badport/receipts",
        "postgresql://till@host:secret/receipts",
        "://till:secret@host",
    ],
)
def test_a_password_in_the_url_is_not_in_the_message(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as caught:
        Ledger(url)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def find_server() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them off the path."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    found = shutil.which("initdb")
    folders += [Path(found).parent] if found else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Server:
    """A PostgreSQL server of its own, on a socket in its own folder."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        # The server refuses to run as root.
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        self.run("initdb", "-D", "data", "-U", "till", "-A", "trust", "--no-sync")
        self.url = f"postgresql://till@/postgres?host={folder}"

    def run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        subprocess.run(
            command, cwd=self.folder, user=self.user, check=True, stdout=subprocess.DEVNULL
        )

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off"
        self.run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")


@contextmanager
def running(programs: Path) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = Server(programs, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def test_postgresql_gives_the_same_receipts_and_outlives_a_crash_of_its_server(
    tmp_path: Path,
) -> None:
    pytest.importorskip("psycopg")
    programs = find_server()
    if programs is None:
        pytest.skip("no PostgreSQL server here")
    first: list[Message] = [
        enter(),
        predict(3, change(2), change(3, "ghost")),
        predict(4, change(2, "bread")),
    ]
    second: list[Message] = [predict(5, change(5, "bread", foreign=True), gaps=("dark",)), leave()]
    last: list[Message] = [
        predict(60, change(5, "cola"), final=True),
        predict(60, change(5, "cola"), final=True),
    ]
    lite = Ledger(str(tmp_path / "ledger.db"))
    with running(programs) as server:
        ledger = Ledger(server.url)
        made: dict[Ledger, list[bytes]] = {lite: [], ledger: []}

        def feed_all(target: Ledger, messages: list[Message]) -> None:
            for message in messages:
                made[target] += map(receipt_json, feed(target, message))

        for target in (lite, ledger):
            target.set_catalogue(make_store(cola=150, bread=320))
            feed_all(target, first)
        server.stop()
        feed_all(ledger, second)
        assert not ledger.status().available
        server.start()
        feed_all(lite, second)
        made[ledger] += map(receipt_json, ledger.tick(1))
        if not ledger.status().available:  # the first call may only find the old connection dead
            made[ledger] += map(receipt_json, ledger.tick(1))
        for target in (lite, ledger):
            feed_all(target, last)
        assert made[ledger] == made[lite]
        assert len(made[lite]) == 8
        assert ledger.slot_changes() == lite.slot_changes()
        assert ledger.changes("a") == lite.changes("a")
        ledger.close()
        reader = LedgerReader.open(server.url)
        assert reader.receipts() == lite.receipts()
        reader.close()
    lite.close()
