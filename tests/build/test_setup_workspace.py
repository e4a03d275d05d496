"""Setup: what is missing, what has changed, which paths are mended."""

from pathlib import Path

import pytest

import setup_workspace
import system_packages
import workspace

EXPORT = """\
set_target_properties(a PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
  "/opt/python/cp311-cp311/include/python3.11;\
/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include")
"""


def test_foreign_python_paths_are_rewritten_once(tmp_path: Path) -> None:
    file = tmp_path / "cmake" / "export.cmake"
    file.parent.mkdir()
    file.write_text(EXPORT)
    (tmp_path / "other.cmake").write_text("# /opt/python is a fine place\n")
    assert setup_workspace.rewrite_cmake(tmp_path, "/inc", "/site") == 1
    assert '"/inc;/site/numpy/_core/include"' in file.read_text()
    assert setup_workspace.rewrite_cmake(tmp_path, "/inc", "/site") == 0


def test_files_that_are_no_text_survive_the_rewriting(tmp_path: Path) -> None:
    file = tmp_path / "odd.cmake"
    file.write_bytes(b"# \xff\n/opt/python/cp312-cp312/include/python3.12")
    setup_workspace.rewrite_cmake(tmp_path, "/inc", "/site")
    assert file.read_bytes() == b"# \xff\n/inc"


def test_missing_packages_are_those_whose_probe_fails() -> None:
    listing = "# names\n\nhere: true\naway: false\nprobe: command -v no-such-command\n"
    assert system_packages.missing_packages(listing) == ["away", "probe"]


def test_listed_system_packages_have_probes() -> None:
    listing = (workspace.ROOT / "system-packages.txt").read_text()
    lines = [line for line in listing.splitlines() if line and not line.startswith("#")]
    assert lines
    assert all(package and probe for package, _, probe in (line.partition(": ") for line in lines))


def test_without_root_the_one_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "become_root", lambda: None)
    with pytest.raises(system_packages.SetupError, match=r"apt-get install -y .* away"):
        system_packages.install_missing("here: true\naway: false\n")


def test_nothing_is_installed_when_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "become_root", lambda: pytest.fail("asked for root"))
    system_packages.install_missing("here: true\n")


def test_a_step_runs_again_only_when_its_stamp_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "VENV", tmp_path)
    runs: list[str] = []
    for stamp in ("one", "one", "two"):
        workspace.step("step", stamp, lambda stamp=stamp: runs.append(stamp))
    assert runs == ["one", "two"]


def test_a_step_that_failed_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "VENV", tmp_path)

    def fail() -> None:
        raise system_packages.SetupError("no")

    workspace.step("step", "one", lambda: None)
    with pytest.raises(system_packages.SetupError):
        workspace.step("step", "two", fail)
    runs: list[str] = []
    workspace.step("step", "one", lambda: runs.append("again"))
    assert runs == ["again"]


def test_digest_follows_names_and_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "ROOT", tmp_path)
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = workspace.digest([folder])
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("1")
    assert workspace.digest([folder]) == before
    (folder / "a").rename(folder / "b")
    renamed = workspace.digest([folder])
    (folder / "b").write_text("2")
    assert len({before, renamed, workspace.digest([folder])}) == 3


def test_an_installed_ros_is_left_to_colcon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ros2 = tmp_path / "ros2"
    ros2.write_text("#!/bin/sh\n")
    ros2.chmod(0o755)
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(system_packages.SetupError, match="colcon build"):
        setup_workspace.refuse_beside_ros()


def test_its_own_environment_is_no_installed_ros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_workspace, "VENV", tmp_path)
    ros2 = tmp_path / "bin" / "ros2"
    ros2.parent.mkdir()
    ros2.write_text("#!/bin/sh\n")
    ros2.chmod(0o755)
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setenv("PATH", str(ros2.parent))
    setup_workspace.refuse_beside_ros()


def test_bringup_is_linked_again_without_touching_the_linked_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = tmp_path / "share" / "aisle_bringup"
    share.mkdir(parents=True)
    (share / "launch").symlink_to(workspace.ROOT / "launch")
    monkeypatch.setattr(setup_workspace, "VENV", tmp_path)
    for _ in range(2):
        setup_workspace.install_bringup()
    assert (share / "launch" / "store.launch.py").resolve() == (
        workspace.ROOT / "launch" / "store.launch.py"
    )
    assert not (workspace.ROOT / "launch" / "store.launch.py").is_symlink()
    assert (share / "config" / "params").is_dir()
