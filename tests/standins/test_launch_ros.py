"""Nodes of a launch: command line, names, parameters, remapping, finding packages."""

import ast
import itertools
import sys

import pytest

HEADER = """
from launch_ros.actions import *
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import ExecutableInPackage, FindPackagePrefix, FindPackageShare

def node(**kwargs):
    kwargs.setdefault("executable", "show_words")
    return Node(package="toy", output="screen", **kwargs)
"""

SHOW_WORDS = f"""#!{sys.executable}
import sys
words = sys.argv[1:]
files = [open(b).read() for a, b in zip(words, words[1:]) if a == "--params-file"]
print("WORDS", words, flush=True)
print("FILES", files, flush=True)
"""

SHOW_NODE = f"""#!{sys.executable}
import rclpy
from rclpy.node import Node
rclpy.init()
node = Node("made_up", automatically_declare_parameters_from_overrides=True)
values = {{name: node.get_parameter(name).value for name in node.get_parameters_by_prefix("")}}
values = {{k: list(v) if hasattr(v, "tolist") else v for k, v in values.items()}}
print("NAME", [node.get_fully_qualified_name(), node.resolve_topic_name("chatter")], flush=True)
print("VALUES", values, flush=True)
"""


class Toy:
    """A package with two executables, and a launcher that finds it."""

    def __init__(self, launcher):
        self.launcher = launcher
        self.prefix = launcher.folder / "prefix"
        index = self.prefix / "share/ament_index/resource_index/packages"
        for folder in (index, self.prefix / "lib/toy", self.prefix / "share/toy/launch"):
            folder.mkdir(parents=True)
        (index / "toy").touch()
        for name, text in (("show_words", SHOW_WORDS), ("show_node", SHOW_NODE)):
            path = self.prefix / "lib/toy" / name
            path.write_text(text)
            path.chmod(0o755)
        known = launcher.environment["AMENT_PREFIX_PATH"]
        launcher.environment["AMENT_PREFIX_PATH"] = f"{self.prefix}:{known}"

    def run(self, body, *arguments):
        return self.launcher.run(HEADER + body, *arguments)

    def shown(self, body, what="WORDS"):
        """Return what the nodes showed, in the order of their numbers."""
        result = self.run(body)
        assert result.code == 0, result.output
        lines = [line for line in result.output.splitlines() if f"] {what} " in line]
        lines.sort(key=lambda line: line.split("]")[0])
        assert lines, result.output
        return [ast.literal_eval(line.split(f"] {what} ")[1]) for line in lines]


@pytest.fixture
def toy(launcher):
    return Toy(launcher)


def test_a_node_gets_its_name_namespace_arguments_and_remapping_as_words(toy):
    shown = toy.shown(
        """
def entities():
    return [
        node(),
        node(name="worker", namespace="deep/er", arguments=["--flag", "1"],
             remappings=[("chatter", "talk"), ("a", LaunchConfiguration("x", default="b"))]),
        node(namespace="/abs", ros_arguments=["--log-level", "debug"]),
    ]
"""
    )
    assert shown[0][:1] == ["--ros-args"]
    assert "-r" not in shown[0]
    assert shown[1] == [
        *("--flag", "1", "--ros-args", "-r", "__node:=worker", "-r", "__ns:=/deep/er"),
        *("-r", "chatter:=talk", "-r", "a:=b"),
    ]
    third = " ".join(shown[2])
    assert "--ros-args" in third
    assert "--log-level debug" in third
    assert "-r __ns:=/abs" in third


def test_a_process_of_a_node_is_named_after_its_executable(toy):
    result = toy.run("def entities(): return [node(name='worker'), node(exec_name='other')]")
    assert "[show_words-1] WORDS" in result.output
    assert "[other-2] WORDS" in result.output


def test_namespaces_nest_and_an_absolute_one_replaces(toy):
    shown = toy.shown(
        """
def entities():
    return [
        GroupAction([
            PushRosNamespace("a"),
            node(),
            GroupAction([PushRosNamespace("b"), node(), node(namespace="c"),
                         node(namespace="/c")]),
            GroupAction([PushRosNamespace("/d"), node()]),
            node(),
        ]),
        node(),
    ]
"""
    )
    spaces = [[word for word in words if word.startswith("__ns:=")] for words in shown]
    assert spaces == [
        ["__ns:=/a"],
        ["__ns:=/a/b"],
        ["__ns:=/a/b/c"],
        ["__ns:=/c"],
        ["__ns:=/d"],
        ["__ns:=/a"],
        [],
    ]


def test_parameters_become_files_under_the_full_name_or_for_all(toy):
    files = toy.shown(
        """
def entities():
    return [
        node(name="worker", namespace="space", parameters=[{"rate": 5}]),
        node(parameters=[{"rate": 5}]),
    ]
""",
        "FILES",
    )
    assert files[0][0].split() == ["/space/worker:", "ros__parameters:", "rate:", "5"]
    assert files[1][0].split() == ["/**:", "ros__parameters:", "rate:", "5"]


def test_a_given_file_is_passed_on_in_order(toy):
    path = toy.launcher.folder / "given.yaml"
    path.write_text("/**:\n  ros__parameters:\n    rate: 1\n")
    words = toy.shown(
        f"""
def entities():
    return [node(parameters=[{{"rate": 5}}, "{path}"])]
"""
    )[0]
    files = [after for word, after in itertools.pairwise(words) if word == "--params-file"]
    assert len(files) == 2
    assert files[1] == str(path)


def test_values_reach_the_node_with_their_types(toy):
    toy.launcher.environment["OMP_NUM_THREADS"] = "1"
    body = """
def entities():
    return [
        GroupAction([
            SetParameter("everywhere", 7),
            SetParameter("own", "general"),
            node(executable="show_node", name="worker", namespace="space",
                 remappings=[("chatter", "talk")],
                 parameters=[{
                     "own": "special",
                     "flag": True,
                     "count": 3,
                     "share": 0.5,
                     "text": "3",
                     "guess": LaunchConfiguration("x", default="3"),
                     "forced": ParameterValue(LaunchConfiguration("x", default="3"),
                                              value_type=str),
                     "pieces": ["a", LaunchConfiguration("x", default="3")],
                     "numbers": [1, 2],
                     "mixed_numbers": [1, 2.5],
                     "texts": ["a", "b"],
                     "outer": {"inner": 1},
                 }]),
        ]),
    ]
"""
    result = toy.run(body)
    shown = {
        word: ast.literal_eval(line.split(f"] {word} ")[1])
        for line in result.output.splitlines()
        for word in ("NAME", "VALUES")
        if f"] {word} " in line
    }
    assert shown["NAME"] == ["/space/worker", "/space/talk"]
    values = shown["VALUES"]
    expected = {
        "everywhere": 7,
        "own": "special",
        "flag": True,
        "count": 3,
        "share": 0.5,
        "text": "3",
        "guess": 3,
        "forced": "3",
        "pieces": "a3",
        "numbers": [1, 2],
        "mixed_numbers": [1.0, 2.5],
        "texts": ["a", "b"],
        "outer.inner": 1,
    }
    assert {name: values[name] for name in expected} == expected


def test_a_value_that_no_parameter_can_have_is_an_error(toy):
    result = toy.run(
        """
def attempt(context):
    for value in ([1, "two"], object(), None, LaunchConfiguration("x", default="{a: b}")):
        try:
            node(parameters=[{"a": value}]).visit(context)
            print("TAKEN", value, flush=True)
        except TypeError:
            print("REFUSED", flush=True)

def entities():
    return [OpaqueFunction(function=attempt)]
"""
    )
    assert result.lines("REFUSED") == ["REFUSED"] * 4
    assert result.lines("TAKEN") == []


def test_set_parameter_stands_before_the_parameters_of_the_node(toy):
    words = toy.shown(
        """
def entities():
    return [SetParameter("general", 1), node(parameters=[{"own": 2}])]
"""
    )[0]
    assert words.index("general:=1") < words.index("--params-file")


def test_folders_of_packages_are_found(toy):
    result = toy.run(
        """
def entities():
    return [
        say(FindPackageShare("toy")),
        say(PathJoinSubstitution([FindPackageShare(["t", "oy"]), "launch"])),
        say(FindPackagePrefix("toy")),
        say(ExecutableInPackage("show_words", "toy")),
    ]
"""
    )
    prefix = toy.prefix
    assert result.said == [
        f"{prefix}/share/toy",
        f"{prefix}/share/toy/launch",
        f"{prefix}",
        f"{prefix}/lib/toy/show_words",
    ]


def test_an_unknown_package_or_executable_fails_the_launch(toy):
    result = toy.run("def entities(): return [say(FindPackageShare('no_such_package'))]")
    assert result.code == 1
    assert "no_such_package" in result.output
    result = toy.run("def entities(): return [node(executable='no_such_program')]")
    assert result.code == 1
    assert "no_such_program" in result.output


def test_a_launch_file_and_an_executable_are_found_by_package(toy):
    path = toy.prefix / "share/toy/launch/hello.launch.py"
    toy.launcher.write("def entities(): return [say('hello')]").rename(path)
    assert toy.launcher.command("ros2", "launch", "toy", "hello.launch.py").said == ["hello"]
    missing = toy.launcher.command("ros2", "launch", "toy", "none.launch.py")
    assert missing.code != 0
    assert "file 'none.launch.py' was not found in the share directory" in missing.output
    missing = toy.launcher.command("ros2", "launch", "no_such_package", "none.launch.py")
    assert missing.code != 0
    assert "Package 'no_such_package' not found" in missing.output
    ran = toy.launcher.command("ros2", "run", "toy", "show_words", "--x", "1")
    assert "WORDS ['--x', '1']" in ran.output
    assert toy.launcher.command("ros2", "run", "toy", "none").output.strip() == (
        "No executable found"
    )


SHOW_LIFE = f"""#!{sys.executable}
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

class Life(LifecycleNode):
    def on_configure(self, state):
        return TransitionCallbackReturn.SUCCESS

rclpy.init()
node = Life("made_up")
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException):
    pass
"""


def test_a_lifecycle_node_is_led_through_its_states(toy):
    path = toy.prefix / "lib/toy/show_life"
    path.write_text(SHOW_LIFE)
    path.chmod(0o755)
    result = toy.run(
        """
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch.events import matches_action
from lifecycle_msgs.msg import Transition

def entities():
    life = LifecycleNode(package="toy", executable="show_life", name="life", namespace="space",
                         output="screen")
    def ask(transition):
        return EmitEvent(event=ChangeState(
            lifecycle_node_matcher=matches_action(life), transition_id=transition))
    return [
        RegisterEventHandler(OnStateTransition(
            target_lifecycle_node=life, goal_state="inactive", start_state="configuring",
            entities=[say("configured"), ask(Transition.TRANSITION_ACTIVATE)])),
        RegisterEventHandler(OnStateTransition(
            target_lifecycle_node=life, goal_state="active",
            entities=[say("active"), Shutdown()])),
        life,
        ask(Transition.TRANSITION_CONFIGURE),
    ]
"""
    )
    assert result.code == 0, result.output
    assert result.said == ["configured", "active"]
    assert "sending signal 'SIGINT' to process[show_life-1]" in result.output


def test_a_lifecycle_node_must_have_a_namespace(toy):
    result = toy.run(
        "def entities(): return [LifecycleNode(package='toy', executable='show_words', name='a')]"
    )
    assert result.code == 1
    assert "namespace" in result.output
