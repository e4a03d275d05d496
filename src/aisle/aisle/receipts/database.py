"""Opens the database of a ledger and brings its schema up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError, StatementError

from aisle.receipts.config import LedgerError

_BUSY_S = 2
"""How long a statement may wait for another process, or a connection for its server."""


def ledger_url(text: str) -> URL:
    """Parse a database URL; a plain path names an SQLite file.

    Raises:
        LedgerError: when it is neither.
    """
    try:
        url = make_url(text if "://" in text else f"sqlite:///{text}")
    except (ArgumentError, ValueError):
        # Any part of it may be a password.
        scheme = text.partition("://")[0]
        raise LedgerError(f"not a ledger URL: it begins with {scheme!r}") from None
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise LedgerError("a ledger must be a file: sqlite:///path/to/ledger.db")
    # psycopg 3 is the driver that the project pins.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def shown(url: URL) -> str:
    """Return a URL without its password, which its query may hold too."""
    return url.set(query={}).render_as_string(hide_password=True)


def plain(error: SQLAlchemyError) -> str:
    """What the database said, without the statement and the links to SQLAlchemy's manual."""
    said = error.orig if isinstance(error, StatementError) and error.orig else error
    return str(said).partition("(Background on this error")[0].strip()


def open_engine(url: URL, *, synchronous: str = "FULL", read_only: bool = False) -> Engine:
    """Make the engine; connects only when used.

    Raises:
        LedgerError: for an unknown kind of database, or an SQLite folder that cannot be made.
    """
    try:
        if url.get_backend_name() != "sqlite":
            return create_engine(url, connect_args={"connect_timeout": _BUSY_S})
        _prepare_file(Path(str(url.database)), read_only)
        engine = create_engine(url, connect_args={"timeout": _BUSY_S})
    except (ArgumentError, NoSuchModuleError, ImportError, OSError) as error:
        raise LedgerError(f"cannot open the ledger {shown(url)!r}: {error}") from error

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # Python's driver starts transactions late and not for DDL; BEGIN is sent below instead.
        connection.isolation_level = None
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA query_only=ON" if read_only else "PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _prepare_file(path: Path, read_only: bool) -> None:
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.is_file():
        raise FileNotFoundError(f"no file {path}")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", "aisle.receipts:migrations")
    return config


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision, whole or not at all.

    Raises:
        LedgerError: when the database cannot be reached or written, or is not a ledger of this or
            an older version.
    """
    config = _alembic()
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        message = f"the ledger {shown(engine.url)!r} was written by a newer version: {error}"
        raise LedgerError(message) from error
    except SQLAlchemyError as error:
        raise LedgerError(
            f"cannot open the ledger {shown(engine.url)!r}: {plain(error)}"
        ) from error


def check_schema(engine: Engine) -> None:
    """Make sure that a ledger can be read as it is.

    Raises:
        LedgerError: when it cannot be reached, or has another schema than this version.
    """
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise LedgerError(
            f"cannot read the ledger {shown(engine.url)!r}: {plain(error)}"
        ) from error
    head = ScriptDirectory.from_config(_alembic()).get_current_head()
    if found != head:
        raise LedgerError(
            f"the ledger {shown(engine.url)!r} has schema {found}, this version reads {head}: "
            "start receipt_node on it once to migrate it"
        )
