"""Builds the nodes as a ROS 2 Python package."""

from setuptools import find_packages, setup

NODES = (
    "weight_node",
    "gate_node",
    "camera_node",
    "store_model_node",
    "fusion_node",
    "receipt_node",
    "sim_node",
    "bag_player_node",
)

setup(
    name="aisle_nodes",
    version="0.1.0",
    description="The ROS 2 nodes of Aisle, each a thin shell around the library.",
    maintainer="Aisle maintainers",
    maintainer_email="maintainers@aisle-retail.example",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["aisle_nodes", "aisle_nodes.*"]),
    package_data={"aisle_nodes": ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/aisle_nodes"]),
        ("share/aisle_nodes", ["package.xml"]),
    ],
    entry_points={"console_scripts": [f"{node} = aisle_nodes.{node}:main" for node in NODES]},
    zip_safe=False,
)
