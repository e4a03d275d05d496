"""The ROS 2 nodes of Aisle: they convert, call the library `aisle` and publish."""
