"""What a text is about: policy areas, regions and themes."""
