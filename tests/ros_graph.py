"""A ROS domain seen from a test: nodes inside the test's process, and what others say."""

import time
from collections import defaultdict

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter


class Graph:
    """Nodes of one ROS domain and what they say; time-outs are for failures only."""

    def __init__(self, domain):
        self.context = rclpy.Context()
        self.context.init(domain_id=domain)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.nodes = []
        self.node = self.add(rclpy.create_node("watcher", context=self.context))
        self.diagnostics = defaultdict(lambda: (0, "", {}))
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnosed, 100)

    def _diagnosed(self, message):
        status = message.status[0]
        self.diagnostics[status.name] = (
            int.from_bytes(status.level, "little"),
            status.message,
            {value.key: value.value for value in status.values},
        )

    def add(self, node):
        self.executor.add_node(node)
        self.nodes.append(node)
        return node

    def start(self, make, **values):
        """Make a node with these parameters, configure and activate it."""
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        node = self.add(make(context=self.context, parameter_overrides=overrides))
        assert node.start(), f"{node.get_name()} did not start"
        return node

    def stop(self, node):
        """End a node as its process does."""
        self.executor.remove_node(node)
        self.nodes.remove(node)
        node.release()
        node.destroy_node()

    def until(self, condition, seconds=10.0):
        """Let the nodes run until `condition` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            self.executor.spin_once(timeout_sec=0.05)

    def listen(self, kind, topic, qos):
        """Return a list that fills with the messages of a topic."""
        got = []
        self.node.create_subscription(kind, topic, got.append, qos)
        return got

    def talk(self, kind, topic, qos, listeners=1):
        """Return a publisher that somebody listens to."""
        publisher = self.node.create_publisher(kind, topic, qos)
        self.until(lambda: publisher.get_subscription_count() >= listeners)
        return publisher

    def call(self, kind, name, **fields):
        """Call a service."""
        client = self.node.create_client(kind, name)
        self.until(client.service_is_ready)
        future = client.call_async(kind.Request(**fields))
        self.until(future.done)
        self.node.destroy_client(client)
        return future.result()

    def counter(self, node, name):
        """Return a value of a node's diagnostics as a number; 0 when absent."""
        return float(self.diagnostics.get(node, (0, "", {}))[2].get(name, 0))

    def close(self):
        for node in list(self.nodes):
            if node is not self.node:
                self.stop(node)
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()
