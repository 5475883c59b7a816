"""Gathers posts and case studies and sends each reader one learning digest."""

__version__ = "0.1.0"
