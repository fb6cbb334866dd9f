"""More than one process of ours: a feed that owns the market, webs that serve its pages."""
