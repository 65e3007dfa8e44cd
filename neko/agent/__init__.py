"""The agent: so far its messages on the bus, their order, and the state of a Neko without one."""
