"""The REST calls, one concept a module; each module lists its own in ``ENDPOINTS``."""
