"""Text becomes judgement: passages, vectors, relevance, codes, tone."""
