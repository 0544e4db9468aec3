"""The machine that jobs run on: devices, progress, cost, locks."""
