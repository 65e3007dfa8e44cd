"""One file with all that matters of the data folder, and back: made while she runs, looked through before it counts."""
