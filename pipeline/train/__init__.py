"""Training and validating the heads on the labelled corpus.

Used by `treatywatch train` and `codebook evaluate`, never by a run.
"""
