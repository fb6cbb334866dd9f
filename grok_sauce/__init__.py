"""The Grok Sauce Streaming Machine: listens to markets, works levels out, tells pages."""

__version__ = "0.1.0"
