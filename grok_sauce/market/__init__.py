"""The vocabulary of the market and its latest state. No I/O, no threads, no clock."""
