"""Aisle: receipts for stores without checkout lines. This library never imports ROS."""
