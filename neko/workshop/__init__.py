"""Local folders of Steam's Workshop: where they are, what is in them, and what is to be published; no Steam needed.

Every call blocks; on the event loop they go through ``tasks.in_thread``.
"""
