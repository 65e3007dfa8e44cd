"""Values that cross the packages and the protocols by which they meet, one module for each seam.

Every implementation of a seam passes the behaviour suite of that seam in ``tests/seams/``.
"""
