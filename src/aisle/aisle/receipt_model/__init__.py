"""The receipt transformer, and the model that is shipped."""
