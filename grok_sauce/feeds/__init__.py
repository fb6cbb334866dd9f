"""Connections that push to us: protocols, planners, sockets."""
