"""Digests on their way: which are due, what is sent to whom, and how it is handed to a mail server."""
