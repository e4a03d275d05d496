"""What overhead cameras would see of a `Scene`: pictures, depth, and which thing is where."""
