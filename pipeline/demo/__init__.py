"""The pipeline on bundled sample outlets: nothing to configure, nothing from the network."""
