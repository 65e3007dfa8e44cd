"""What other programs left in a folder: characters, talks, files. Looked through, then brought over; nothing of it is
changed, and nothing of ours is overwritten."""
