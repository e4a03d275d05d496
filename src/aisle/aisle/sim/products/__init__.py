"""Products that are drawn: their names, packages, labels and catalogue images."""
