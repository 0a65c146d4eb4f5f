"""A URL becomes text: guarded fetch, charset, feed, page."""
