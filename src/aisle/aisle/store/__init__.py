"""The store: its records, its files, its geometry, and generated stores."""
