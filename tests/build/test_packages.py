"""The packages are what ament, colcon and rosdep take for ROS 2 packages."""

import ast
import re
from pathlib import Path

import pytest
from catkin_pkg.package import Package, parse_package

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("aisle", "aisle_bringup", "aisle_msgs", "aisle_nodes")
# Keys of rosdep that are no packages of this workspace and none of ROS 2 Jazzy.
SYSTEM_KEYS = {
    "python3-hypothesis",
    "python3-jinja2",
    "python3-matplotlib",
    "python3-numpy",
    "python3-opencv",
    "python3-pil",
    "python3-pytest",
    "python3-serial",
    "python3-yaml",
}
# What gives a Python module where it is not a package of the same name.
PACKAGE_OF = {
    "cv2": "python3-opencv",
    "jinja2": "python3-jinja2",
    "matplotlib": "python3-matplotlib",
    "PIL": "python3-pil",
    "numpy": "python3-numpy",
    "serial": "python3-serial",
    "tf2_ros": "tf2_ros_py",
    "yaml": "python3-yaml",
}


def package(name: str) -> Package:
    return parse_package(str(ROOT / "src" / name))


def needed(name: str) -> set[str]:
    described = package(name)
    return {d.name for d in described.exec_depends + described.test_depends}


def imported(folder: Path, leave_out: tuple[str, ...] = ()) -> set[str]:
    """Top modules that the Python files of a folder import, wherever in the file."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        if str(file.relative_to(folder)) in leave_out:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_description_is_valid(name: str) -> None:
    described = package(name)
    described.validate()
    assert described.package_format == 3
    assert described.name == name
    assert described.licenses == ["Apache-2.0"]


@pytest.mark.parametrize("name", NAMES)
def test_maintainers_can_be_written_to(name: str) -> None:
    # A malformed address makes the build tool take the folder for no ROS package at all.
    for maintainer in package(name).maintainers:
        assert re.fullmatch(r"[a-z]+@[a-z-]+(\.[a-z-]+)+", maintainer.email)


@pytest.mark.parametrize("name", ["aisle", "aisle_nodes"])
def test_setup_and_description_agree(name: str) -> None:
    setup = (ROOT / "src" / name / "setup.py").read_text()
    assert f'name="{name}"' in setup
    assert f'version="{package(name).version}"' in setup
    assert (ROOT / "src" / name / "resource" / name).is_file()


def test_all_packages_have_one_version() -> None:
    assert len({package(name).version for name in NAMES}) == 1


def test_every_node_has_an_executable() -> None:
    nodes = {file.stem for file in (ROOT / "src/aisle_nodes/aisle_nodes").glob("*_node.py")}
    setup = (ROOT / "src/aisle_nodes/setup.py").read_text()
    assert nodes == set(re.findall(r'^    "(\w+_node)",$', setup, re.MULTILINE))


def test_nodes_depend_on_every_ros_package_that_they_import() -> None:
    ros = {
        module
        for module in imported(ROOT / "src/aisle_nodes/aisle_nodes")
        if module.endswith(("_msgs", "_ros", "_interfaces"))
        or module in ("launch", "rclpy", "ament_index_python", "cv_bridge", "aisle")
    }
    assert {PACKAGE_OF.get(module, module) for module in ros} <= needed("aisle_nodes")


def test_library_imports_no_ros_but_for_the_commands_that_run_or_watch_a_stack() -> None:
    modules = imported(ROOT / "src/aisle/aisle", leave_out=("cli/demo.py", "cli/ros.py"))
    ros = ("rclpy", "launch", "launch_ros", "tf2_ros", "cv_bridge", "ament_index_python")
    assert not {module for module in modules if module in ros or module.endswith("_msgs")}


def test_library_depends_on_every_packaged_module_that_it_imports() -> None:
    modules = imported(ROOT / "src/aisle/aisle")
    wanted = {key for module, key in PACKAGE_OF.items() if module in modules}
    assert wanted <= needed("aisle")


def test_only_known_system_keys_are_used() -> None:
    keys = {key for name in NAMES for key in needed(name) if key.startswith("python3-")}
    assert keys <= SYSTEM_KEYS


def test_standins_stay_out_of_the_way_of_colcon() -> None:
    assert (ROOT / "src/ros_standins/COLCON_IGNORE").is_file()
