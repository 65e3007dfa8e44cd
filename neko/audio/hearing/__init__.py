"""Recognisers: one interface (``types.hearing``), one file each."""
