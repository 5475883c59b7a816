"""Read sources: from the network or a folder, through the sandbox, to sightings and to what is new."""
