"""Installs the stand-in for ``launch_ros``."""

from setuptools import find_packages, setup

NAME = "launch_ros"

setup(
    name=NAME,
    version="0.26.0+standin",
    description="Stand-in for the package launch_ros of ROS 2",
    packages=find_packages(),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["launch", "PyYAML"],
    license="Apache-2.0",
)
