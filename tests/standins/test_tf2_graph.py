"""Transforms over the ROS graph."""

import os
import time

import pytest
import rclpy
import tf2_ros
from geometry_msgs.msg import TransformStamped
from rclpy.clock import ClockType
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from tf2_msgs.msg import TFMessage
from tf2_msgs.srv import FrameGraph

PATIENCE_S = 20.0


def transform(parent, child, sec=1, x=0.0):
    message = TransformStamped()
    message.header.stamp.sec = sec
    message.header.frame_id, message.child_frame_id = parent, child
    message.transform.translation.x = x
    message.transform.rotation.w = 1.0
    return message


class Graph:
    """Two nodes in one executor, on a domain of their own."""

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=50 + os.getpid() % 50)
        self.sender = rclpy.create_node("sender", context=self.context)
        self.receiver = rclpy.create_node("receiver", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.sender)
        self.executor.add_node(self.receiver)

    def spin_until(self, condition):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, "nothing came"
            self.executor.spin_once(timeout_sec=0.05)

    def close(self):
        self.executor.shutdown()
        self.sender.destroy_node()
        self.receiver.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def graph():
    made = Graph()
    yield made
    made.close()


def test_a_listener_fills_its_buffer_from_a_broadcaster(graph):
    buffer = tf2_ros.Buffer()
    listener = tf2_ros.TransformListener(buffer, graph.receiver)
    broadcaster = tf2_ros.TransformBroadcaster(graph.sender)
    graph.spin_until(lambda: broadcaster.pub_tf.get_subscription_count() == 1)
    broadcaster.sendTransform([transform("map", "a", x=1.0), transform("a", "b", x=2.0)])
    graph.spin_until(lambda: buffer.can_transform("map", "b", Time()))
    found = buffer.lookup_transform("map", "b", Time())
    assert found.transform.translation.x == 3.0
    listener.unregister()


def test_a_late_listener_gets_all_static_transforms(graph):
    broadcaster = tf2_ros.StaticTransformBroadcaster(graph.sender)
    broadcaster.sendTransform(transform("map", "a", x=1.0))
    broadcaster.sendTransform([transform("map", "b", x=2.0)])
    buffer = tf2_ros.Buffer()
    listener = tf2_ros.TransformListener(buffer, graph.receiver)
    graph.spin_until(lambda: buffer.can_transform("a", "b", Time()))
    assert buffer.lookup_transform("a", "b", Time()).transform.translation.x == 1.0
    listener.unregister()


def test_a_static_child_keeps_its_first_transform(graph):
    messages = []
    profile = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    graph.receiver.create_subscription(TFMessage, "/tf_static", messages.append, profile)
    broadcaster = tf2_ros.StaticTransformBroadcaster(graph.sender)
    broadcaster.sendTransform(transform("map", "a", x=1.0))
    broadcaster.sendTransform([transform("map", "a", x=9.0), transform("map", "b", x=2.0)])
    graph.spin_until(lambda: messages and len(messages[-1].transforms) == 2)
    assert {t.child_frame_id: t.transform.translation.x for t in messages[-1].transforms} == {
        "a": 1.0,
        "b": 2.0,
    }


def test_a_listener_with_its_own_thread_needs_no_spinning(graph):
    graph.executor.remove_node(graph.receiver)
    buffer = tf2_ros.Buffer()
    listener = tf2_ros.TransformListener(buffer, graph.receiver, spin_thread=True)
    tf2_ros.StaticTransformBroadcaster(graph.sender).sendTransform(transform("map", "a", x=1.0))
    assert buffer.can_transform("map", "a", Time(), timeout=Duration(seconds=PATIENCE_S)) == 1
    listener.executor.shutdown()
    listener.dedicated_listener_thread.join(PATIENCE_S)
    assert not listener.dedicated_listener_thread.is_alive()


def test_a_jump_back_of_the_clock_clears_what_is_not_static(graph):
    node = graph.receiver
    node.set_parameters([Parameter("use_sim_time", Parameter.Type.BOOL, True)])
    buffer = tf2_ros.Buffer(node=node)
    clock = graph.sender.create_publisher(Clock, "/clock", 10)
    graph.spin_until(lambda: clock.get_subscription_count() >= 1)

    def publish(sec):
        message = Clock()
        message.clock.sec = sec
        clock.publish(message)
        now = Time(seconds=sec, clock_type=ClockType.ROS_TIME)
        graph.spin_until(lambda: node.get_clock().now() == now)

    publish(100)
    buffer.set_transform(transform("map", "gate", sec=100), "test")
    buffer.set_transform_static(transform("map", "shelf"), "test")
    publish(105)
    assert buffer.can_transform("map", "gate", Time()) == 1
    publish(50)
    assert buffer.can_transform("map", "gate", Time()) == 0
    assert buffer.can_transform("map", "shelf", Time()) == 1


def test_a_buffer_with_a_node_lists_its_frames_as_a_service(graph):
    buffer = tf2_ros.Buffer(node=graph.receiver)
    buffer.set_transform_static(transform("map", "shelf"), "somebody")
    client = graph.sender.create_client(FrameGraph, "tf2_frames")
    graph.spin_until(client.service_is_ready)
    answer = client.call_async(FrameGraph.Request())
    graph.spin_until(answer.done)
    assert "shelf" in answer.result().frame_yaml
    assert "parent: 'map'" in answer.result().frame_yaml
