"""Settings of all tests."""

import os

from hypothesis import settings

# A busy machine is no failure. The gate draws the same examples each time, so that it judges the
# change before it; everywhere else new ones are drawn, and find what nobody thought of.
settings.register_profile("aisle", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("aisle")
