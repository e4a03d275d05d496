"""What a transform buffer answers, in numbers and in words."""

import math

import pytest
import tf2_ros
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.time import Time

SECOND = 10**9


def transform(parent, child, stamp_s=0.0, x=0.0, y=0.0, yaw=0.0):
    message = TransformStamped()
    stamp = round(stamp_s * SECOND)
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, SECOND)
    message.header.frame_id, message.child_frame_id = parent, child
    message.transform.translation.x, message.transform.translation.y = x, y
    message.transform.rotation.z, message.transform.rotation.w = (
        math.sin(yaw / 2),
        math.cos(yaw / 2),
    )
    return message


def at(stamp_s):
    return Time(nanoseconds=round(stamp_s * SECOND))


def place(message):
    translation, rotation = message.transform.translation, message.transform.rotation
    return translation.x, translation.y, 2 * math.atan2(rotation.z, rotation.w)


@pytest.fixture
def buffer():
    return tf2_ros.Buffer()


def test_a_source_frame_is_given_in_coordinates_of_the_target(buffer):
    buffer.set_transform(transform("map", "shelf", 1.0, x=2.0, yaw=math.pi / 2), "test")
    found = buffer.lookup_transform("map", "shelf", at(1.0))
    assert (found.header.frame_id, found.child_frame_id) == ("map", "shelf")
    assert place(found) == pytest.approx((2.0, 0.0, math.pi / 2))
    back = buffer.lookup_transform("shelf", "map", at(1.0))
    assert place(back) == pytest.approx((0.0, 2.0, -math.pi / 2))


def test_a_chain_and_a_common_ancestor_are_followed(buffer):
    buffer.set_transform_static(transform("map", "a", x=1.0, yaw=math.pi / 2), "test")
    buffer.set_transform_static(transform("a", "b", x=1.0), "test")
    buffer.set_transform_static(transform("map", "c", y=3.0), "test")
    assert place(buffer.lookup_transform("map", "b", Time())) == pytest.approx(
        (1.0, 1.0, math.pi / 2)
    )
    assert place(buffer.lookup_transform("c", "b", Time())) == pytest.approx(
        (1.0, -2.0, math.pi / 2)
    )


def test_translation_is_linear_and_rotation_even_between_two_stamps(buffer):
    buffer.set_transform(transform("map", "gate", 1.0, x=0.0, yaw=0.0), "test")
    buffer.set_transform(transform("map", "gate", 2.0, x=4.0, yaw=1.0), "test")
    found = buffer.lookup_transform("map", "gate", at(1.25))
    assert place(found) == pytest.approx((1.0, 0.0, 0.25))
    assert Time.from_msg(found.header.stamp).nanoseconds == at(1.25).nanoseconds


def test_rotation_takes_the_shorter_way(buffer):
    buffer.set_transform(transform("map", "gate", 1.0, yaw=math.radians(350)), "test")
    buffer.set_transform(transform("map", "gate", 2.0, yaw=math.radians(10)), "test")
    _, _, yaw = place(buffer.lookup_transform("map", "gate", at(1.5)))
    assert math.remainder(yaw, 2 * math.pi) == pytest.approx(0.0, abs=1e-9)


def test_samples_may_arrive_out_of_order(buffer):
    for stamp in (3.0, 1.0, 2.0):
        buffer.set_transform(transform("map", "gate", stamp, x=stamp), "test")
    assert place(buffer.lookup_transform("map", "gate", at(1.5)))[0] == pytest.approx(1.5)
    assert place(buffer.lookup_transform("map", "gate", Time()))[0] == pytest.approx(3.0)


def test_time_zero_is_the_newest_time_that_all_frames_have(buffer):
    buffer.set_transform(transform("map", "a", 1.0), "test")
    buffer.set_transform(transform("map", "a", 5.0, x=5.0), "test")
    buffer.set_transform(transform("a", "b", 1.0), "test")
    buffer.set_transform(transform("a", "b", 3.0), "test")
    found = buffer.lookup_transform("map", "b", Time())
    assert Time.from_msg(found.header.stamp).nanoseconds == at(3.0).nanoseconds
    assert place(found)[0] == pytest.approx(2.5)


def test_a_static_chain_has_stamp_zero_for_the_latest_and_the_asked_one_otherwise(buffer):
    buffer.set_transform_static(transform("map", "shelf", 7.0, x=1.0), "test")
    latest = buffer.lookup_transform("map", "shelf", Time())
    assert (latest.header.stamp.sec, latest.header.stamp.nanosec) == (0, 0)
    asked = buffer.lookup_transform("map", "shelf", at(123.0))
    assert (asked.header.stamp.sec, asked.header.stamp.nanosec) == (123, 0)


def test_a_static_frame_does_not_limit_a_moving_one(buffer):
    buffer.set_transform_static(transform("gate", "sensor", x=1.0), "test")
    buffer.set_transform(transform("map", "gate", 4.0, x=1.0), "test")
    found = buffer.lookup_transform("map", "sensor", Time())
    assert found.header.stamp.sec == 4
    assert place(found)[0] == pytest.approx(2.0)


def test_a_frame_in_itself_is_the_identity(buffer):
    buffer.set_transform_static(transform("map", "shelf", x=1.0), "test")
    assert place(buffer.lookup_transform("shelf", "shelf", Time())) == (0.0, 0.0, 0.0)


def test_an_unknown_frame_is_named(buffer):
    buffer.set_transform_static(transform("map", "shelf"), "test")
    with pytest.raises(tf2_ros.LookupException) as error:
        buffer.lookup_transform("map", "nowhere", Time())
    assert str(error.value) == (
        '"nowhere" passed to lookupTransform argument source_frame does not exist. '
    )
    with pytest.raises(tf2_ros.LookupException, match="argument target_frame does not exist"):
        buffer.lookup_transform("nowhere", "map", Time())


def test_two_trees_are_not_connected(buffer):
    buffer.set_transform_static(transform("map", "a"), "test")
    buffer.set_transform_static(transform("other", "b"), "test")
    with pytest.raises(tf2_ros.ConnectivityException, match="not part of the same tree"):
        buffer.lookup_transform("a", "b", Time())


@pytest.mark.parametrize(
    ("stamp_s", "text"),
    [
        (
            3.0,
            "Lookup would require extrapolation into the future.  Requested time 3.000000 but "
            "the latest data is at time 2.000000, when looking up transform from frame [gate] "
            "to frame [map]",
        ),
        (
            0.5,
            "Lookup would require extrapolation into the past.  Requested time 0.500000 but "
            "the earliest data is at time 1.000000, when looking up transform from frame [gate] "
            "to frame [map]",
        ),
    ],
)
def test_nothing_is_extrapolated(buffer, stamp_s, text):
    buffer.set_transform(transform("map", "gate", 1.0), "test")
    buffer.set_transform(transform("map", "gate", 2.0), "test")
    with pytest.raises(tf2_ros.ExtrapolationException) as error:
        buffer.lookup_transform("map", "gate", at(stamp_s))
    assert str(error.value) == text


def test_one_sample_holds_at_its_stamp_only(buffer):
    buffer.set_transform(transform("map", "gate", 1.0), "test")
    assert buffer.can_transform("map", "gate", at(1.0))
    with pytest.raises(tf2_ros.ExtrapolationException, match=r"only time 1\.000000 is in the"):
        buffer.lookup_transform("map", "gate", at(1.1))


@pytest.mark.parametrize("name", ["", "/map"])
def test_an_empty_name_or_a_leading_slash_is_invalid(buffer, name):
    buffer.set_transform_static(transform("map", "shelf"), "test")
    with pytest.raises(tf2_ros.InvalidArgumentException):
        buffer.lookup_transform(name, "shelf", Time())
    assert not buffer.can_transform("shelf", name, Time())


def test_all_errors_have_one_base():
    for kind in ("Lookup", "Connectivity", "Extrapolation", "InvalidArgument", "Timeout"):
        error = getattr(tf2_ros, f"{kind}Exception")
        assert issubclass(error, tf2_ros.TransformException)
    assert tf2_ros.TransformException.__module__ == "tf2"


def test_can_transform_answers_with_a_number_and_with_the_reason_on_demand(buffer):
    buffer.set_transform_static(transform("map", "shelf"), "test")
    assert buffer.can_transform("map", "shelf", Time()) == 1
    assert buffer.can_transform("map", "nowhere", Time()) == 0
    result, reason = buffer.can_transform("map", "nowhere", Time(), return_debug_tuple=True)
    assert result == 0
    assert "nowhere" in reason


def test_waiting_ends_at_the_timeout(buffer):
    buffer.set_transform_static(transform("map", "shelf"), "test")
    with pytest.raises(tf2_ros.LookupException):
        buffer.lookup_transform("map", "late", Time(), timeout=Duration(seconds=0.05))


def test_the_buffer_keeps_ten_seconds_by_default(buffer):
    for stamp in (1.0, 5.0, 10.5, 15.5):
        buffer.set_transform(transform("map", "gate", stamp), "test")
    assert buffer.can_transform("map", "gate", at(6.0)) == 0
    assert buffer.can_transform("map", "gate", at(11.0)) == 1


def test_the_length_of_the_buffer_can_be_chosen():
    short = tf2_ros.Buffer(cache_time=Duration(seconds=2.0))
    for stamp in (1.0, 2.0, 5.0):
        short.set_transform(transform("map", "gate", stamp), "test")
    assert short.can_transform("map", "gate", at(2.0)) == 0
    assert short.can_transform("map", "gate", at(5.0)) == 1


def test_clearing_keeps_what_is_static(buffer):
    buffer.set_transform_static(transform("map", "shelf"), "test")
    buffer.set_transform(transform("map", "gate", 1.0), "test")
    buffer.clear()
    assert buffer.can_transform("map", "shelf", Time()) == 1
    assert buffer.can_transform("map", "gate", Time()) == 0


@pytest.mark.parametrize(
    "bad",
    [
        transform("map", "map", 1.0),
        transform("map", "", 1.0),
        transform("", "gate", 1.0),
        transform("map", "gate", 1.0, x=math.nan),
    ],
)
def test_a_bad_transform_is_dropped(buffer, bad):
    buffer.set_transform(bad, "test")
    buffer.set_transform(transform("map", "other", 1.0), "test")
    assert buffer.can_transform("map", "gate", Time()) == 0
    assert buffer.can_transform("map", "other", Time()) == 1


def test_a_quaternion_must_have_length_one(buffer):
    bad = transform("map", "gate", 1.0)
    bad.transform.rotation.w = 2.0
    buffer.set_transform(bad, "test")
    assert buffer.can_transform("map", "gate", Time()) == 0


def test_two_times_are_joined_through_a_fixed_frame(buffer):
    for stamp, x in ((1.0, 0.0), (2.0, 10.0)):
        buffer.set_transform(transform("map", "cart", stamp, x=x), "test")
    found = buffer.lookup_transform_full("cart", at(2.0), "cart", at(1.0), "map")
    assert place(found)[0] == pytest.approx(-10.0)
    assert buffer.can_transform_full("cart", at(2.0), "cart", at(3.0), "map") == 0


def test_a_future_is_done_when_the_transform_comes(buffer):
    future = buffer.wait_for_transform_async("map", "gate", at(1.0))
    assert not future.done()
    buffer.set_transform(transform("map", "gate", 1.0), "test")
    assert future.done()
    assert future.result() is True
    assert buffer.wait_for_transform_async("map", "gate", at(1.0)).done()


def test_an_awaited_lookup_returns_the_transform(buffer):
    lookup = buffer.lookup_transform_async("map", "gate", at(1.0))
    buffer.set_transform(transform("map", "gate", 1.0, x=3.0), "test")
    with pytest.raises(StopIteration) as end:
        lookup.send(None)
    assert place(end.value.value)[0] == 3.0


def test_a_frame_can_change_its_parent(buffer):
    buffer.set_transform(transform("a", "item", 1.0, x=1.0), "test")
    buffer.set_transform(transform("b", "item", 2.0, x=2.0), "test")
    assert buffer.can_transform("a", "item", at(1.5)) == 1
    assert buffer.can_transform("b", "item", at(2.0)) == 1
    assert buffer.can_transform("b", "item", at(1.5)) == 0
