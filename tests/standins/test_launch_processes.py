"""Processes of a launch: names, output, ends, restarts and stopping."""

import os
import re
import signal

STUBBORN = r"""
import os, signal, time
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"int\n"))
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"term\n"))
os.write(1, b"ready\n")
while True:
    time.sleep(1)
"""


def test_output_lines_carry_name_and_number_of_their_process(launcher):
    result = launcher.run(
        """
        def entities():
            return [
                python("print('one'); print('two')", name="first"),
                python("import sys; print('three', file=sys.stderr)", name="second"),
                python("print('no end', end='')", name="second"),
            ]
        """
    )
    assert result.code == 0
    assert result.lines("[first-1] ") == ["[first-1] one", "[first-1] two"]
    assert "[second-2] three" in result.output
    assert "[second-3] no end" in result.output


def test_a_process_is_named_after_its_executable(launcher):
    result = launcher.run("def entities(): return [ExecuteProcess(cmd=['/bin/true'])]")
    assert re.search(r"\[INFO\] \[true-1\]: process started with pid \[\d+\]", result.output)
    assert re.search(
        r"\[INFO\] \[true-1\]: process has finished cleanly \[pid \d+\]", result.output
    )


def test_by_default_output_goes_to_the_log_and_errors_to_the_screen_too(launcher):
    result = launcher.run(
        """
        def entities():
            program = "import sys; print('plain'); print('wrong', file=sys.stderr)"
            return [ExecuteProcess(cmd=[sys.executable, "-c", program], name="quiet")]
        """
    )
    assert "[quiet-1] plain" not in result.output
    assert "[quiet-1] wrong" in result.output
    assert "[quiet-1] plain" in result.log
    assert "[quiet-1] wrong" in result.log


def test_a_process_that_dies_is_reported_and_does_not_fail_the_launch(launcher):
    result = launcher.run("def entities(): return [python('raise SystemExit(3)')]")
    assert result.code == 0
    assert re.search(
        r"\[ERROR\] \[worker-1\]: process has died \[pid \d+, exit code 3, cmd '.*"
        r"raise SystemExit\(3\)'\]\.",
        result.output,
    )


def test_the_exit_code_of_a_signalled_process_is_minus_the_signal(launcher):
    result = launcher.run("def entities(): return [python('import os; os.kill(os.getpid(), 15)')]")
    assert "exit code -15, cmd" in result.output


def test_a_command_that_cannot_start_does_not_stop_the_others(launcher):
    result = launcher.run(
        """
        def entities():
            return [ExecuteProcess(cmd=["/no/such/program"]), python("print('alive')")]
        """
    )
    assert result.code == 0
    assert "exception occurred while executing process" in result.output
    assert "[worker-2] alive" in result.output


def test_a_process_is_respawned_as_often_as_allowed_under_its_number(launcher):
    result = launcher.run(
        """
        def entities():
            return [python("print('run'); exit(1)", respawn=True, respawn_max_retries=2)]
        """
    )
    assert result.lines("[worker-1] run") == ["[worker-1] run"] * 3
    assert (
        len(set(re.findall(r"\[worker-1\]: process started with pid \[(\d+)\]", result.output)))
        == 3
    )
    assert "worker-2" not in result.output


def test_a_respawn_waits_and_a_shutdown_does_not_wait_for_it(launcher):
    result = launcher.run(
        """
        def entities():
            return [
                python("print('run')", respawn=True, respawn_delay=100.0, on_exit=[
                    TimerAction(period=0.2, actions=[Shutdown()])
                ]),
            ]
        """
    )
    assert result.lines("[worker-1] run") == ["[worker-1] run"]


def test_stopping_escalates_from_sigint_over_sigterm_to_sigkill(launcher):
    (launcher.folder / "stubborn.py").write_text(STUBBORN)
    result = launcher.run(
        """
        def entities():
            worker = ExecuteProcess(
                cmd=[sys.executable, os.path.join(os.path.dirname(__file__), "stubborn.py")],
                name="worker", output="screen", sigterm_timeout="0.5", sigkill_timeout="1.0")
            stop = OnProcessIO(target_action=worker, on_stdout=lambda event:
                EmitEvent(event=ShutdownEvent()) if b"ready" in event.text else None)
            return [RegisterEventHandler(stop), worker]
        """
    )
    assert result.code == 0
    assert result.lines("[worker-1] ") == ["[worker-1] ready", "[worker-1] int", "[worker-1] term"]
    sent = re.findall(r"sending signal '(\w+)' to process\[worker-1\]", result.output)
    assert sent == ["SIGINT", "SIGTERM", "SIGKILL"]
    assert (
        "process[worker-1] failed to terminate '0.5' seconds after receiving 'SIGINT', "
        "escalating to 'SIGTERM'"
    ) in result.output
    assert "after receiving 'SIGTERM', escalating to 'SIGKILL'" in result.output
    assert "exit code -9, cmd" in result.output


def test_the_timeouts_can_come_from_launch_configurations(launcher):
    result = launcher.run(
        """
        def entities():
            worker = python(
                "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); "
                "print('ready'); time.sleep(99)"
            )
            stop = OnProcessIO(target_action=worker, on_stdout=lambda event:
                [Shutdown(reason="test")] if b"ready" in event.text else None)
            return [
                SetLaunchConfiguration("sigterm_timeout", "0.2"),
                RegisterEventHandler(stop), worker,
            ]
        """
    )
    assert "'0.2' seconds after receiving 'SIGINT'" in result.output
    assert "exit code -15, cmd" in result.output


def test_an_interrupt_of_the_launch_is_handed_on_and_ends_it_well(launcher):
    path = launcher.write(
        """
        def entities():
            return [python("import time; print('ready'); time.sleep(99)")]
        """
    )
    process = launcher.start("ros2", "launch", str(path))
    seen = ""
    while "[worker-1] ready" not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    os.kill(process.pid, signal.SIGINT)
    result = launcher.finish(process)
    assert result.code == 0
    assert "user interrupted with ctrl-c (SIGINT)" in result.output
    assert "sending signal 'SIGINT' to process[worker-1]" in result.output
    assert "exit code -2, cmd" in result.output


def test_an_exception_fails_the_launch_after_stopping_what_runs(launcher):
    result = launcher.run(
        """
        def fail(context):
            raise RuntimeError("this went wrong")

        def entities():
            worker = python("import time; print('ready', end=''); time.sleep(99)")
            when_ready = OnProcessIO(
                target_action=worker, on_stdout=lambda event: OpaqueFunction(function=fail))
            return [RegisterEventHandler(when_ready), worker]
        """
    )
    assert result.code == 1
    assert "Caught exception in launch (see debug for traceback): this went wrong" in result.output
    assert re.search(r"\[worker-1\]: process has died \[pid \d+, exit code -2", result.output)


def test_environment_and_folder_reach_the_process(launcher):
    result = launcher.run(
        """
        SHOW = "import os; print(os.environ.get('SET'), os.environ.get('MORE'), os.getcwd())"

        def entities():
            return [
                SetEnvironmentVariable("SET", "one"),
                python(SHOW, name="first", cwd="/"),
                python(SHOW, name="second", cwd="/", additional_env={"MORE": "two"}),
                GroupAction([SetEnvironmentVariable("SET", "inner")]),
                python(SHOW, name="third", cwd="/"),
                UnsetEnvironmentVariable("SET"),
                python(SHOW, name="fourth", cwd="/"),
            ]
        """
    )
    assert "[first-1] one None /" in result.output
    assert "[second-2] one two /" in result.output
    assert "[third-3] one None /" in result.output
    assert "[fourth-4] None None /" in result.output
