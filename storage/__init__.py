"""Remembers records. Knows records, never stages."""
