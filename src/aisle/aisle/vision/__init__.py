"""What cameras tell the receipt transformer: shelf strips, floor maps, frames by tick; no ROS."""
