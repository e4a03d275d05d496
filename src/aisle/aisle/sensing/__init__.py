"""Scales: what they say on the wire, when they said it, and whether they still live."""
