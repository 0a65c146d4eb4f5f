"""What the stored judgements become for a person. Reads storage, never the stages."""
