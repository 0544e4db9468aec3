"""The families of targets: one file per `kind`."""
