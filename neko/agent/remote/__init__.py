"""The bus to an agent, or to a main, in another process: three ZeroMQ sockets (``contract/bus.md`` §1)."""
