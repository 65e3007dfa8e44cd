"""What a character remembers: a verbatim log, a recent window with its memo, and a search."""
