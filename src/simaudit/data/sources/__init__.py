"""The data sources: one file per source, found by its name; what a source is stands in `simaudit.data.source`."""
