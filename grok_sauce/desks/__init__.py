"""Desks: each joins some parts and answers what pages do and ask of them."""
