"""Ways out: what the engine says is kept for new pages, and told to those that are open."""
