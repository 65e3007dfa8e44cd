"""The built-in model: rules and memory, no network."""
