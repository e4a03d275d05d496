"""Arguments, scopes, substitutions, conditions and events of launch files."""


def test_arguments_have_defaults_and_the_command_line_wins(launcher):
    body = """
        def entities():
            return [
                DeclareLaunchArgument("color", default_value="red"),
                DeclareLaunchArgument("size",
                    default_value=["very ", LaunchConfiguration("color")]),
                say(LaunchConfiguration("color"), "/", LaunchConfiguration("size")),
            ]
        """
    assert launcher.run(body).said == ["red/very red"]
    assert launcher.run(body, "color:=a:=b", "color:=blue:=x").said == ["blue:=x/very blue:=x"]


def test_an_argument_without_value_is_missed_before_anything_runs(launcher):
    result = launcher.run(
        """
        def entities():
            return [say("started"), DeclareLaunchArgument("x", description="a thing")]
        """
    )
    assert result.code == 1
    assert "missing required argument 'x' (description: 'a thing')" in result.output
    assert result.said == []


def test_a_value_must_be_one_of_the_choices(launcher):
    body = """
        def entities():
            return [DeclareLaunchArgument("mode", choices=["live", "sim"]), say("started")]
        """
    assert launcher.run(body, "mode:=sim").said == ["started"]
    result = launcher.run(body, "mode:=dream")
    assert result.code == 1
    assert 'Argument "mode" provided value "dream" is not valid.' in result.output


def test_a_malformed_argument_is_refused(launcher):
    result = launcher.run("def entities(): return []", "word")
    assert result.code != 0
    assert "malformed launch argument 'word'" in result.output


def test_arguments_are_listed_with_description_and_default_also_of_included_files(launcher):
    launcher.write(
        """
        def entities():
            return [DeclareLaunchArgument("inner", default_value="5", description="of the inner")]
        """,
        "inner.launch.py",
    )
    result = launcher.run(
        """
        def entities():
            return [
                DeclareLaunchArgument("first", description="what it is"),
                DeclareLaunchArgument("second", default_value="two"),
                IncludeLaunchDescription(PythonLaunchDescriptionSource(
                    os.path.join(os.path.dirname(__file__), "inner.launch.py"))),
                say("started"),
            ]
        """,
        "--show-args",
    )
    assert result.code == 0
    assert result.said == []
    words = " ".join(result.output.split())
    assert "'first': what it is" in words
    assert "'second': no description given (default: 'two')" in words
    assert "'inner': of the inner (default: '5')" in words


def test_a_group_keeps_its_configurations_to_itself(launcher):
    result = launcher.run(
        """
        def show(where):
            return say(where, ": ", LaunchConfiguration("a", default="-"),
                       LaunchConfiguration("b", default="-"))

        def entities():
            return [
                SetLaunchConfiguration("a", "1"),
                GroupAction([show("inside"), SetLaunchConfiguration("a", "2"),
                             SetLaunchConfiguration("b", "2"), show("changed")]),
                show("behind"),
                GroupAction([show("closed")], forwarding=False,
                            launch_configurations={"b": LaunchConfiguration("a")}),
                show("behind closed"),
                GroupAction([SetLaunchConfiguration("b", "3")], scoped=False),
                show("behind open"),
            ]
        """
    )
    assert result.said == [
        "inside: 1-",
        "changed: 22",
        "behind: 1-",
        "closed: -1",
        "behind closed: 1-",
        "behind open: 13",
    ]


def test_what_an_included_file_is_given_and_sets_stays_set(launcher):
    launcher.write(
        """
        def entities():
            return [
                DeclareLaunchArgument("x"),
                say("inner ", LaunchConfiguration("x"), " ", ThisLaunchFileDir()),
                SetLaunchConfiguration("y", "from inside"),
            ]
        """,
        "inner.launch.py",
    )
    result = launcher.run(
        """
        def entities():
            return [
                IncludeLaunchDescription(
                    PythonLaunchDescriptionSource([ThisLaunchFileDir(), "/inner.launch.py"]),
                    launch_arguments={"x": "given"}.items(),
                ),
                say(LaunchConfiguration("x"), ", ", LaunchConfiguration("y")),
                say(ThisLaunchFile()),
            ]
        """
    )
    folder = str(launcher.folder)
    assert result.said == [
        f"inner given {folder}",
        "given, from inside",
        f"{folder}/test.launch.py",
    ]


def test_an_included_file_must_get_its_arguments(launcher):
    launcher.write("def entities(): return [DeclareLaunchArgument('x')]", "inner.launch.py")
    result = launcher.run(
        """
        def entities():
            return [IncludeLaunchDescription(
                PythonLaunchDescriptionSource([ThisLaunchFileDir(), "/inner.launch.py"]))]
        """
    )
    assert result.code == 1
    assert "missing required argument 'x'" in result.output


def test_conditions_choose(launcher):
    result = launcher.run(
        """
        def entities():
            return [
                *(say(text, condition=IfCondition(text)) for text in ("true", "1", "False", "0")),
                say("unless", condition=UnlessCondition("false")),
                GroupAction([say("group")], condition=IfCondition("false")),
                say("equal", condition=IfCondition(EqualsSubstitution("a", "a"))),
                say("python", condition=IfCondition(
                    PythonExpression(["'", LaunchConfiguration("x", default="a"), "' == 'a'"]))),
            ]
        """
    )
    assert result.said == ["true", "1", "unless", "equal", "python"]


def test_a_condition_must_be_true_or_false(launcher):
    result = launcher.run("def entities(): return [say('x', condition=IfCondition('maybe'))]")
    assert result.code == 1
    assert "maybe" in result.output


def test_substitutions_give_texts(launcher):
    launcher.environment["PLACE"] = "here"
    result = launcher.run(
        """
        def entities():
            python3 = FindExecutable(name="python3")
            return [
                say(EnvironmentVariable("PLACE"), EnvironmentVariable("NONE_", default_value="!")),
                say(PathJoinSubstitution([TextSubstitution(text="/a"), "b", ["c", "d"], "e.txt"])),
                say(PythonExpression("1 + 2 * 3"), " ", PythonExpression(["len('", "abc", "')"])),
                say(PythonExpression("'a' if 2 > 1 and not False else 'b'")),
                say(Command([python3, " -c 'print(\\"out put\\", end=\\"\\")'"])),
                say(NotSubstitution("true"), AndSubstitution("true", "true"),
                    OrSubstitution("false", "true")),
            ]
        """
    )
    assert result.code == 0
    assert result.said == ["here!", "/a/b/cd/e.txt", "7 3", "a", "out put", "falsetruetrue"]


def test_a_substitution_without_text_fails_and_names_what_is_missing(launcher):
    result = launcher.run(
        """
        def attempt(context):
            for substitution in (
                LaunchConfiguration("no_such_configuration"),
                EnvironmentVariable("NO_SUCH_VARIABLE"),
                FindExecutable(name="no-such-program"),
                Command("no-such-command 1"),
                Command("false"),
                PythonExpression("1 +"),
            ):
                try:
                    print("TEXT", substitution.perform(context), flush=True)
                except Exception as error:
                    print("ERROR", str(error).replace(chr(10), " "), flush=True)
            LaunchConfiguration("no_such_configuration").perform(context)

        def entities():
            return [OpaqueFunction(function=attempt)]
        """
    )
    names = [
        *("no_such_configuration", "NO_SUCH_VARIABLE", "no-such-program", "no-such-command"),
        *("false", "1 +"),
    ]
    errors = result.lines("ERROR")
    assert len(errors) == len(names)
    assert all(name in error for name, error in zip(names, errors, strict=True))
    assert result.lines("TEXT") == []
    assert result.code == 1
    assert "Caught exception in launch" in result.output


def test_event_handlers_take_lists_and_functions(launcher):
    result = launcher.run(
        """
        def exited(event, context):
            return [say(f"function: {event.process_name} {event.returncode}")]

        def entities():
            worker = python("import sys; sys.stdout.write('text'); exit(4)")
            return [
                RegisterEventHandler(OnProcessStart(target_action=worker, on_start=[say("start")])),
                RegisterEventHandler(OnProcessIO(target_action=worker,
                    on_stdout=lambda event: say("out: " + event.text.decode().strip()))),
                RegisterEventHandler(OnProcessExit(target_action=worker, on_exit=exited)),
                RegisterEventHandler(OnShutdown(
                    on_shutdown=lambda event, context: [say("stop: " + event.reason)])),
                worker,
            ]
        """
    )
    assert result.said == ["start", "out: text", "function: worker-1 4", "stop: idle"]


def test_the_end_of_a_process_can_stop_the_launch(launcher):
    result = launcher.run(
        """
        def entities():
            return [
                python("import time; time.sleep(99)", name="other"),
                python("print('done')", on_exit=Shutdown(reason="enough")),
                RegisterEventHandler(OnShutdown(
                    on_shutdown=lambda event, context: [say(event.reason)])),
            ]
        """
    )
    assert result.code == 0
    assert len(result.said) == 1
    assert "enough" in result.said[0]
    assert "[other-1]: process has died" in result.output


def test_a_handler_of_one_process_is_not_called_for_another(launcher):
    result = launcher.run(
        """
        def entities():
            worker = python("pass")
            return [
                worker,
                python("pass", name="other"),
                RegisterEventHandler(OnProcessExit(target_action=worker, on_exit=[say("worker")])),
                RegisterEventHandler(OnProcessExit(
                    on_exit=lambda event, context: say("any: " + event.process_name))),
            ]
        """
    )
    assert sorted(result.said) == ["any: other-2", "any: worker-1", "worker"]


def test_timers_fire_in_order_and_keep_the_launch_alive(launcher):
    result = launcher.run(
        """
        def entities():
            return [
                TimerAction(period=0.3, actions=[say("late")]),
                TimerAction(period="0.1", actions=[say("early"), say("too")]),
                say("now"),
            ]
        """
    )
    assert result.said == ["now", "early", "too", "late"]


def test_a_shutdown_cancels_timers(launcher):
    result = launcher.run(
        """
        def entities():
            return [
                TimerAction(period=50.0, actions=[say("never")]),
                TimerAction(period=0.1, actions=[Shutdown()]),
            ]
        """
    )
    assert (result.code, result.said) == (0, [])


def test_a_function_returns_actions_that_are_done_before_what_follows(launcher):
    result = launcher.run(
        """
        def two(context, first, second=None):
            value = LaunchConfiguration("x").perform(context)
            return [say(f"{first} {second} {value}"), SetLaunchConfiguration("x", "new")]

        def entities():
            return [
                SetLaunchConfiguration("x", "old"),
                OpaqueFunction(function=two, args=["a"], kwargs={"second": "b"}),
                say(LaunchConfiguration("x")),
            ]
        """
    )
    assert result.said == ["a b old", "new"]


def test_a_file_without_a_launch_description_is_explained(launcher):
    path = launcher.folder / "empty.launch.py"
    path.write_text("")
    result = launcher.command("ros2", "launch", str(path))
    assert result.code == 1
    assert "generate_launch_description" in result.output
