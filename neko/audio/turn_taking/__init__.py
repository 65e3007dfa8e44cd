"""When somebody begins to speak, and when their turn is over."""
