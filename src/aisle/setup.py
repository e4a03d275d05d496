"""Builds the library as a ROS 2 Python package and as an ordinary one.

What it needs at run time stands in package.xml (for rosdep) and in requirements.txt (for pip).
"""

from setuptools import find_packages, setup

setup(
    name="aisle",
    version="0.1.0",
    description="Checkout-free stores: from scales and cameras to receipts, without ROS.",
    maintainer="Aisle maintainers",
    maintainer_email="maintainers@aisle-retail.example",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=["aisle", "aisle.*"]),
    package_data={
        "aisle": [
            "py.typed",
            *(
                f"**/*.{kind}"
                for kind in ("csv", "html", "j2", "json", "mako", "npz", "onnx", "yaml")
            ),
        ]
    },
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/aisle"]),
        ("share/aisle", ["package.xml"]),
    ],
    entry_points={"console_scripts": ["aisle = aisle.cli.main:main"]},
    zip_safe=False,
)
