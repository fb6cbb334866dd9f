"""Pure calculations. A formula here is usable alone."""
