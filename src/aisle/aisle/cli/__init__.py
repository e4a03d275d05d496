"""The `aisle` command."""
