"""Named outside services that more than one module calls."""
