"""Sound: cutting text into sentences, making them speakable, synthesis, resampling, hand-over."""
