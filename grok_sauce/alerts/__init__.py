"""The alert half: TradingView alerts to NinjaTrader ports; nothing lost, nothing doubled."""
