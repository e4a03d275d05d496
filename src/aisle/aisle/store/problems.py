"""What can be wrong with a store's files: each mistake has a file, a line and a named rule."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]

RULES: dict[str, str] = {
    # any file
    "missing-file": "A file that every store has is not there.",
    "unreadable": "A file cannot be read, or is too large.",
    "not-utf8": "A text file is not UTF-8.",
    "control-character": "A text file holds a NUL or another control character.",
    # any CSV
    "malformed-csv": "The quoting of a CSV file is broken.",
    "missing-column": "A CSV file lacks a column.",
    "repeated-column": "A CSV file names a column twice.",
    "unknown-column": "A CSV file has a column that nothing reads.",
    "wrong-columns": "A row has more or fewer cells than the header.",
    "bad-number": "A cell is not a plain finite decimal number, or is out of its range.",
    # catalogue.csv and images/
    "bad-id": "An identifier has characters that it may not have.",
    "repeated-product": "Two catalogue rows have the same id.",
    "gtin-check-digit": "An id of 8, 12, 13 or 14 digits has a wrong GTIN check digit.",
    "missing-name": "A product has no name.",
    "missing-size": "A product has no size; it is taken from the weight.",
    "implausible-weight": "A unit weighs more than 25 kg: is the cell in grams?",
    "implausible-size": "A unit is longer than 2 m or shorter than 2 mm: are the cells in metres?",
    "image-without-product": "A folder in images/ belongs to no product.",
    "image-unreadable": "A picture is no JPEG, PNG or WebP, damaged, or far too large.",
    "image-too-small": "A picture is less than 48 pixels wide or high.",
    "product-without-images": "A product has no pictures: cameras cannot tell what it is.",
    # planogram.csv
    "unknown-product": "The planogram names a product that the catalogue lacks.",
    "unknown-shelf": "The planogram names a shelf that neither the URDF nor the rig has.",
    "unknown-plate": "The planogram names a plate that the rig lacks.",
    "plate-on-other-shelf": "A row names a plate of another shelf than its own.",
    "repeated-plate": "A row names a plate twice.",
    "plates-not-contiguous": "The plates of a row are not neighbours.",
    "no-place": "A row says neither plates nor area.",
    "plates-and-area": "A row says both plates and area.",
    "bad-area": "An area is not 'x0 y0 x1 y1' with x0 < x1 and y0 < y1 inside its shelf.",
    "repeated-slot": "Two rows put the same product on the same shelf.",
    "product-placed-twice": "A product stands on two shelves and the later row is no duplicate.",
    "bad-flag": "A cell of the column duplicate is neither 'yes' nor 'no' nor empty.",
    "too-wide": "The facings of a product are wider than its place.",
    "slot-hardly-seen": "Cameras see a slot without plates with less than 30 pixels for 10 cm.",
    "plate-without-frame": "A plate of the rig has no frame in the URDF: its place is unknown.",
    "shelf-without-frame": "A shelf of the rig has no frame in the URDF: its place is unknown.",
    # rig.yaml
    "malformed-yaml": "A YAML file is not YAML, or uses anchors.",
    "rig-field": "A field of rig.yaml is missing, unknown, of a wrong type or out of its range.",
    "driver": "The `driver` settings of a device are none of its node, or the device lacks some.",
    "unknown-fixture": "rig.yaml names a plate of a fixture that the URDF lacks.",
    "plate-on-two-controllers": "rig.yaml lists a plate twice.",
    "plate-without-controller": "A plate of the URDF is on no controller: it is left out.",
    "calibration": "A calibration file is not one, or is for another image size or lens model.",
    "camera-lens": "The distortion of a camera turns back on itself inside the image.",
    "camera-without-frame": "A camera of rig.yaml has no frame in the URDF.",
    "gate-without-frame": "A gate of rig.yaml has no frame in the URDF.",
    "camera-without-rig": "A camera of the URDF is not in rig.yaml: it is left out.",
    "gate-without-rig": "A gate of the URDF is not in rig.yaml: it is left out.",
    "no-gate": "The store has no way in or no way out.",
    # store.urdf.xacro
    "malformed-xml": "The URDF is not well-formed XML.",
    "xacro": "xacro cannot expand the file, or the file asks for what is not allowed.",
    "urdf": "The expanded URDF has a link, a joint or an aisle element that is wrong.",
    "repeated-frame": "Two links of the URDF have the same name.",
    "frame-not-in-map": "A link hangs on no chain of joints from map.",
    "plate-outside-shelf": "A plate's frame lies outside its shelf.",
    "plates-overlap": "The frames of two plates of a shelf lie closer than the plates are wide.",
    # floor_plan.geojson
    "malformed-json": "The floor plan is not JSON.",
    "geojson": "A feature of the floor plan has a wrong type, kind, id or geometry.",
    "gate-off-floor-plan": "A gate of the floor plan is unknown or 1 m and more from its frame.",
    "fixture-outside-walls": "A fixture stands outside the walls of the floor plan.",
    # the store as a whole
    "beyond-limits": "Something is larger, longer or more than any node takes.",
}
"""Every rule with what it means; `docs/formats.md` lists them."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a store's files."""

    file: str
    """Path relative to the store's folder."""
    line: int
    """From 1; 0 when the mistake is of the file as a whole."""
    rule: str
    """A key of `RULES`."""
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        """`file:line: severity: message [rule]`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity}: {self.message} [{self.rule}]"

    def as_dict(self) -> dict[str, str | int]:
        """For JSON."""
        return asdict(self)


class StoreError(Exception):
    """A store's files cannot be used.

    Attributes:
        problems: All mistakes found, warnings included; at least one is an error.
    """

    def __init__(self, problems: list[Problem]) -> None:
        errors = [problem for problem in problems if problem.severity == "error"]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{errors[0] if errors else 'unusable store'}{more}")
        self.problems = problems


@dataclass
class Report:
    """Collects the problems of one file after the other.

    A file full of the same mistake is reported up to `limit` times for each rule.
    """

    problems: list[Problem] = field(default_factory=list)
    limit: int = 200
    _counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def error(self, file: str, line: int, rule: str, message: str) -> None:
        """Adds a mistake that makes the store unusable."""
        self._add(Problem(file, line, rule, message, "error"))

    def warn(self, file: str, line: int, rule: str, message: str) -> None:
        """Adds something that a person should know and the stack can live with."""
        self._add(Problem(file, line, rule, message, "warning"))

    @property
    def failed(self) -> bool:
        """True once there is an error."""
        return any(problem.severity == "error" for problem in self.problems)

    def _add(self, problem: Problem) -> None:
        if problem.rule not in RULES:
            raise KeyError(problem.rule)
        key = problem.file, problem.rule
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] <= self.limit:
            self.problems.append(problem)
