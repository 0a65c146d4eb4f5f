"""The flow: from feeds to stored, explained scores."""
