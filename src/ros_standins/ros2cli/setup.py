"""Installs the stand-in for ``ros2cli``."""

from setuptools import find_packages, setup

NAME = "ros2cli"

setup(
    name=NAME,
    version="0.32.0+standin",
    description="Stand-in for the package ros2cli of ROS 2",
    packages=find_packages(),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["launch", "launch_ros"],
    entry_points={"console_scripts": ["ros2 = ros2cli.cli:main"]},
    license="Apache-2.0",
)
