"""Read from texts the three facets: policy areas, regions and themes."""
