"""The outside world in a process of its own: a seeded market that speaks the real protocols."""
