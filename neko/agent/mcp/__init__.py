"""A client of MCP servers, on the official SDK (``mcp``, MIT), which is imported when the first server is connected.

Protocol: Model Context Protocol, 2025-11-25 and 2026-07-28, over stdio and streamable HTTP.
"""
