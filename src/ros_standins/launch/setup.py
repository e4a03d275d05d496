"""Installs the stand-in for ``launch``."""

from setuptools import find_packages, setup

NAME = "launch"

setup(
    name=NAME,
    version="3.4.0+standin",
    description="Stand-in for the package launch of ROS 2",
    packages=find_packages(),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["PyYAML"],
    license="Apache-2.0",
)
