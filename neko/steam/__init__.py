"""Steam's client on this computer, asked through Valve's library in a process of its own (``client``, ``worker``)."""
