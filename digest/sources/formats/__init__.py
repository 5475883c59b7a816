"""Turn the bytes of a source into sightings of its entries."""
