"""Gather posts and case studies, and send each reader one learning digest."""

__version__ = "0.1.0"
