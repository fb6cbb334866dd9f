"""How things run: async mode, clocks, workers, supervision. Nothing here knows a market."""
