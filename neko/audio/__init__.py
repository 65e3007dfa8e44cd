"""Sound: cutting text into sentences, speaking them, converting sample rates."""
