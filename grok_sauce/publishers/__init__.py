"""Ways out of the engine: snapshot, sockets, history."""
