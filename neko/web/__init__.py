"""HTTP and WebSocket adapters: decode, call one method, encode."""
