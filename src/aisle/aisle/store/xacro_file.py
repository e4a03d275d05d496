"""Expansion of a store's xacro file with xacro itself, fenced in.

Files come from strangers. So expressions go through `aisle.store.expression`, includes stay
inside the store's folder and the project's macros, environment variables are out of reach, and
the number of elements is limited.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import xacro

from aisle.store.expression import evaluate
from aisle.store.textfile import MAX_BYTES, shorten

PACKAGE = "aisle_bringup"
_MAX_ELEMENTS = 200_000
_lock = threading.Lock()  # xacro keeps its state in module variables


class XacroError(Exception):
    """The file cannot be expanded. `line` is 0 where xacro does not know it."""

    def __init__(
        self, message: str, line: int = 0, malformed: bool = False, macro: str = ""
    ) -> None:
        super().__init__(message)
        self.macro = macro
        """Macro in whose call it went wrong, as far as xacro tells."""
        self.line = line
        self.malformed = malformed
        """True when the XML itself is broken."""


def macro_directory() -> Path:
    """Folder that stands for `$(find aisle_bringup)`: the one that holds `urdf/`.

    The installed package where there is one (`AMENT_PREFIX_PATH`, then Python's prefix),
    otherwise the source tree.
    """
    prefixes = [prefix for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if prefix]
    installed = [Path(prefix) / "share" / PACKAGE for prefix in (*prefixes, sys.prefix)]
    source = Path(__file__).resolve().parents[4]
    for directory in (*installed, source):
        if (directory / "urdf" / "aisle.urdf.xacro").is_file():
            return directory
    raise FileNotFoundError(f"package {PACKAGE} with urdf/aisle.urdf.xacro is not installed")


def expand(path: Path) -> tuple[str, list[str]]:
    """The URDF that a xacro file stands for, and xacro's warnings.

    Raises:
        XacroError: When the file is broken or asks for what is not allowed.
    """
    macros = macro_directory()
    warnings: list[str] = []
    with _lock, _fence(path.resolve().parent, macros.resolve(), warnings):
        try:
            document = xacro.process_file(str(path))
            return str(document.toprettyxml(indent="  ")), warnings
        except ExpatError as error:
            where = xacro.filestack[-1] if xacro.filestack else None
            inside = "" if where in (None, str(path)) else f" in {Path(str(where)).name}"
            line = error.lineno if not inside else 0
            raise XacroError(f"not well-formed XML{inside}: {error}", line, True) from error
        except RecursionError as error:
            raise XacroError("macros or elements are nested too deeply") from error
        except Exception as error:  # xacro raises what it meets: AttributeError, KeyError, ...
            macros_in = getattr(error, "macros", None) or []
            macro = str(macros_in[-1].body.getAttribute("name")) if macros_in else ""
            message = shorten(str(error) or type(error).__name__, 300)
            raise XacroError(message, macro=macro) from error


@contextmanager
def _fence(store: Path, macros: Path, warnings: list[str]) -> Iterator[None]:
    """Replaces the parts of xacro that reach outside, for the time of one expansion."""

    def warn(*parts: object) -> None:
        warnings.append(shorten(" ".join(str(part) for part in parts), 200))

    replaced: dict[str, Callable[..., Any]] = {
        "warning": warn,
        "print_location": lambda: None,
        "safe_eval": _safe_eval,
        "eval_extension": _extension(macros),
        "get_include_files": _includes(store, macros),
        "eval_all": _limited(xacro.eval_all),
    }
    originals = {name: getattr(xacro, name) for name in replaced}
    try:
        for name, function in replaced.items():
            setattr(xacro, name, function)
        yield
    finally:
        for name, function in originals.items():
            setattr(xacro, name, function)


def _safe_eval(text: str, symbols: Any, _locals: Any = None) -> Any:
    return evaluate(text, lambda name: symbols[name])


def _extension(macros: Path) -> Callable[[str], str]:
    def extension(text: str) -> str:
        command, _, argument = text[2:-1].strip().partition(" ")
        if command == "find" and argument.strip() == PACKAGE:
            return str(macros)
        arguments = xacro.substitution_args_context["arg"]
        if command == "arg" and argument.strip() in arguments:
            return str(arguments[argument.strip()])
        allowed = f"only $(find {PACKAGE}) and declared $(arg name) are allowed"
        raise xacro.XacroException(f"'{shorten(text)}': {allowed}")

    return extension


def _includes(store: Path, macros: Path) -> Callable[[str, Any], list[str]]:
    def includes(spec: str, symbols: Any) -> list[str]:
        name = str(xacro.abs_filename_spec(xacro.eval_text(spec, symbols)))
        path = Path(name).resolve()
        if not any(path.is_relative_to(folder) for folder in (store, (macros / "urdf").resolve())):
            message = f"include of '{shorten(spec, 100)}': outside the store's folder"
            raise xacro.XacroException(message)
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise xacro.XacroException(f"include of '{shorten(spec, 100)}': no such file")
        if b"<!DOCTYPE" in path.read_bytes():
            raise xacro.XacroException(f"include of '{shorten(spec, 100)}': has a document type")
        xacro.all_includes.append(name)
        return [name]

    return includes


def _limited(eval_all: Callable[..., None]) -> Callable[..., None]:
    count = 0

    def limited(node: Any, macros: Any, symbols: Any) -> None:
        nonlocal count
        count += 1
        if count > _MAX_ELEMENTS:
            raise xacro.XacroException(f"more than {_MAX_ELEMENTS} elements")
        eval_all(node, macros, symbols)

    return limited
