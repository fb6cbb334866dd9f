"""What is followed: the symbols, options and views that are wanted of the feed."""
