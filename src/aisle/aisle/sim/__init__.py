"""A simulated store: shoppers, scales, gates and the truth."""
