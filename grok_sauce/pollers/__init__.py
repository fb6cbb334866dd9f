"""Sources we ask on a schedule: settings, parse, fetch; the table of them."""
