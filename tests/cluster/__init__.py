"""Tests of digest/cluster/: the queue, and workers that share the work."""
