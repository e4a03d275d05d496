"""Launch tests, run in both ways: with ``launch_test`` and under pytest."""

import sys
import textwrap

import pytest

HEADER = """
import re, sys, unittest
import launch, launch_testing, launch_testing.actions, launch_testing.asserts
import launch_testing.markers, launch_testing.util, pytest
from launch.actions import DeclareLaunchArgument, ExecuteProcess, TimerAction
from launch.substitutions import LaunchConfiguration

def python(program, *words, **kwargs):
    return ExecuteProcess(cmd=[sys.executable, "-u", "-c", program, *words], **kwargs)

WAIT = "import time; time.sleep(99)"
READY = launch_testing.actions.ReadyToTest
"""


class Runner:
    """Writes a launch test and runs it."""

    def __init__(self, launcher, way):
        self.launcher = launcher
        self.way = way

    def run(self, body, *arguments):
        path = self.launcher.folder / "test_it.py"
        path.write_text(HEADER + textwrap.dedent(body))
        if self.way == "launch_test":
            return self.launcher.command("launch_test", str(path), *arguments)
        words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", str(path)]
        if arguments:
            words += ["--launch-args", *arguments]
        return self.launcher.command(*words)


@pytest.fixture(params=["launch_test", "pytest"])
def runner(launcher, request):
    return Runner(launcher, request.param)


@pytest.fixture
def single(launcher):
    return Runner(launcher, "launch_test")


def test_tests_run_beside_the_processes_and_after_them(runner):
    result = runner.run(
        """
        @pytest.mark.launch_test
        @launch_testing.markers.keep_alive
        def generate_test_description():
            worker = python(
                "import sys; print('hello'); print('problem 12', file=sys.stderr);" + WAIT,
                name="worker")
            short = python("print('short'); exit(3)", name="short")
            return launch.LaunchDescription([worker, short, READY()]), {
                "worker": worker, "short": short}

        class Before(unittest.TestCase):
            @classmethod
            def setUpClass(cls, worker):
                cls.from_class = worker

            def test_waiting(self, launch_service, proc_info, proc_output, worker, short):
                proc_output.assertWaitFor("hello", process=worker, stream="stdout")
                proc_output.assertWaitFor("problem", process=worker, timeout=20)
                proc_output.assertWaitFor(re.compile("[a-z]+ [0-9]{2}"), process="worker")
                proc_info.assertWaitForStartup(process=worker, timeout=20)
                proc_info.assertWaitForShutdown(process=short, timeout=20)
                assert launch_service.context is not None
                assert not proc_output.waitFor("never", process=worker, timeout=0.05)
                with self.assertRaises(AssertionError):
                    proc_output.assertWaitFor("hello", process=worker, timeout=0.05)
                with self.assertRaises(AssertionError):
                    proc_info.assertWaitForShutdown(process=worker, timeout=0.05)

            def test_attributes(self):
                assert self.worker is self.from_class
                self.proc_info.assertWaitForStartup(process=self.worker, timeout=20)
                assert self.test_args is not None

        @launch_testing.post_shutdown_test()
        class After(unittest.TestCase):
            def test_ends(self, proc_info, proc_output, worker, short):
                asserts = launch_testing.asserts
                asserts.assertExitCodes(proc_info, [3], process=short)
                asserts.assertExitCodes(proc_info, [-2, 1], process=worker)
                with self.assertRaises(AssertionError):
                    asserts.assertExitCodes(proc_info)
                with self.assertRaises(AssertionError):
                    asserts.assertExitCodes(proc_info, process=short)
                asserts.assertInStdout(proc_output, "short", short)
                asserts.assertInStderr(proc_output, "problem", "worker")
                with self.assertRaises(AssertionError):
                    asserts.assertInStdout(proc_output, "problem", worker)
                assert proc_info[short].returncode == 3
                print("after was here")
        """
    )
    assert result.code == 0, result.output
    assert "after was here" in result.output


@pytest.mark.parametrize(
    ("way", "before", "after"),
    [
        ("launch_test", "self.fail('wrong here')", "pass"),
        ("pytest", "pass", "self.fail('wrong here')"),
    ],
)
def test_a_failing_test_fails_the_run(launcher, way, before, after):
    result = Runner(launcher, way).run(
        f"""
        @pytest.mark.launch_test
        @launch_testing.markers.keep_alive
        def generate_test_description():
            return launch.LaunchDescription([READY()])

        class Before(unittest.TestCase):
            def test_it(self):
                {before}

        @launch_testing.post_shutdown_test()
        class After(unittest.TestCase):
            def test_it(self):
                {after}
        """
    )
    assert result.code == 1
    assert "wrong here" in result.output


def test_processes_that_end_before_the_tests_fail_the_run(runner):
    result = runner.run(
        """
        import threading

        @pytest.mark.launch_test
        def generate_test_description():
            return launch.LaunchDescription([python("pass"), READY()])

        class Before(unittest.TestCase):
            def test_it(self, proc_info):
                threading.Event().wait(60)
        """
    )
    assert result.code == 1
    assert "Processes under test stopped before tests completed" in result.output


def test_tests_start_when_the_description_says_so(single):
    result = single.run(
        """
        def generate_test_description():
            return launch.LaunchDescription([
                launch_testing.util.KeepAliveProc(),
                python("print('early')", name="early", on_exit=[READY()]),
            ])

        class Before(unittest.TestCase):
            def test_it(self, proc_info, proc_output):
                assert proc_info["early"].returncode == 0
                launch_testing.asserts.assertInStdout(proc_output, "early", "early")
        """
    )
    assert result.code == 0, result.output


def test_a_description_without_a_start_of_the_tests_is_refused(single):
    result = single.run(
        """
        def generate_test_description():
            return launch.LaunchDescription([])

        class Before(unittest.TestCase):
            def test_it(self):
                pass
        """
    )
    assert result.code == 1
    assert "ReadyToTest" in result.output


def test_arguments_reach_the_launch_and_the_tests(runner):
    result = runner.run(
        """
        @pytest.mark.launch_test
        def generate_test_description():
            return launch.LaunchDescription([
                DeclareLaunchArgument("word", default_value="nothing"),
                python("import sys; print('got', sys.argv[1]);" + WAIT,
                       LaunchConfiguration("word"), name="worker"),
                READY(),
            ])

        class Before(unittest.TestCase):
            def test_it(self, proc_output, test_args):
                proc_output.assertWaitFor("got something", process="worker", stream="stdout")
                assert test_args["word"] == "something"
        """,
        "word:=something",
    )
    assert result.code == 0, result.output


def test_one_launch_for_each_parameter(single):
    result = single.run(
        """
        @launch_testing.parametrize("number", [1, 2])
        def generate_test_description(number):
            return launch.LaunchDescription([
                python(f"print('number', {number});" + WAIT, name="worker"), READY()])

        class Before(unittest.TestCase):
            def test_it(self, proc_output, number):
                proc_output.assertWaitFor(f"number {number}", process="worker", stream="stdout")
                print("SEEN", number)
        """
    )
    assert result.code == 0, result.output
    assert "SEEN 1" in result.output
    assert "SEEN 2" in result.output


def test_under_pytest_a_file_without_the_mark_is_an_ordinary_one(launcher):
    result = Runner(launcher, "pytest").run(
        """
        def generate_test_description():
            raise AssertionError("not called")

        def test_plain():
            pass
        """
    )
    assert result.code == 0
    assert "1 passed" in result.output
