"""Fetch sources from the network, politely and within limits."""
