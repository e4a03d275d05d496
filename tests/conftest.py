"""Settings of all tests."""

from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("aisle", deadline=None)
settings.load_profile("aisle")
