"""People in a simulated store: where they walk, what their hands do, which units move."""
