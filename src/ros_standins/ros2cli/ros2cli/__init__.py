"""Stand-in for the command line ``ros2``: ``launch`` and ``run``."""
