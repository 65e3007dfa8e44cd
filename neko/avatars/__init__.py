"""Models of avatars on disk: Live2D folders, VRM files and animations; how they come in, and what is set for them.

Nothing here draws. Every call blocks; on the event loop they go through ``tasks.in_thread``.
"""
